"""The words grouping knows: generic names, stop words, manifests and the modules of Oracle's applications.

All of them are defaults of settings (`RET_INGEST_…`), so that another vendor's words can take their place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ENDINGS = "zip xml csv xlsx gz tsv xls ods"
GENERIC = (
    "BATCH DATA FILE FILES EXPORT IMPORT COPY FINAL NEW OLD TEST BACKUP UPLOAD CONTENT EXTRACTED ORA "
    "businessObjectData taskListData"
)
STOP = "my to new old the all of"
MANIFESTS = "ASM_SETUP_CSV_METADATA"

# Product short names of E-Business Suite and of Fusion Applications. Those that are everyday words of English
# (AS, IT, ME, SO, DOS, AND) are left out on purpose: `me_and_you.xml` is no export of a module.
MODULES = (
    "ABM AHL AHM AK ALR AME AMS AMV AMW ANC AP AR ASF ASG ASL ASM ASN ASO ASP AST AU AX AZ "
    "BEN BIC BIL BIM BIS BIV BIX BNE BOM BSC CCT CE CHV CJM CLN CMF CMK CMP CMR CN CRP CS CSC CSD CSE CSF CSI CSL CSM "
    "CSO CSP CSR CSS CST CUA CUE CUG CZ DDD DNA DOM DOO DT EAM EC ECX EDR EGI EGO EGP ENG ENI ERP EXM "
    "FA FEM FF FII FLM FND FPA FRM FTE FTP FUN FV GCS GHR GL GMA GMD GME GMF GMI GML GMO GMP GMS GR GRC "
    "HCM HNS HR HRA HRC HRG HRI HRT HRX HWM HWP HWR HXC HXT HZ IBA IBC IBE IBP IBU IBW IBY ICX IEB IEC IEM IEO IEU IEX "
    "IGC IGI IGS IGW INV IPA IPM IRC ISC ITG IZU JA JE JG JL JMF JTF JTM JTS JTY JV LNS "
    "MFG MKT MNT MOO MOT MRP MSC MSD MSO MSR MST MTH MWA OE OFA OIE OKC OKE OKL OKS OKX OM ONT OPI OTA OZF "
    "PA PAY PER PFT PJB PJC PJE PJF PJI PJL PJM PJO PJS PJT PN PO POA POM PON POQ POR POS POZ PQH PQP PRC PRP PSA PSC "
    "PSP PV QA QOT QP QPR QRM RCM RCS RCV RLM RRS SCH SHP SHT SSP SVC UMX VCS VEA VEH VRM "
    "WF WIP WIS WLF WMS WPS WSH WSM XCC XDO XDP XLA XLE XNB XNP XTR ZBS ZCA ZCH "
    "ZCM ZCX ZFA ZMM ZPB ZPM ZSA ZSF ZSO ZSP ZX"
)


def _folded(words: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in words.split())


@dataclass(frozen=True)
class Words:
    """What grouping goes by; every set holds case-folded words; endings come without their dot."""

    endings: frozenset[str] = field(default_factory=lambda: _folded(ENDINGS))
    generic: frozenset[str] = field(default_factory=lambda: _folded(GENERIC))
    stop: frozenset[str] = field(default_factory=lambda: _folded(STOP))
    modules: frozenset[str] = field(default_factory=lambda: _folded(MODULES))
    manifests: frozenset[str] = field(default_factory=lambda: _folded(MANIFESTS))

    @classmethod
    def of(cls, *, generic: str = GENERIC, stop: str = STOP, modules: str = MODULES) -> Words:
        """The words as settings hold them: separated by blanks, in any case."""
        return cls(generic=_folded(generic), stop=_folded(stop), modules=_folded(modules))
