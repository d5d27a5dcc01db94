/** What may be uploaded, by the ending of its name. */
export const ENDINGS = [".zip", ".xml", ".csv", ".tsv", ".xlsx", ".xls", ".ods"] as const;

export type Refusal = { code: "TOO_LARGE" | "EMPTY" | "NOT_SUPPORTED"; name: string };

/** Why a file would be refused, told before a byte is sent. The server decides all the same. */
export function refusal(file: { name: string; size: number }, limitBytes: number): Refusal | null {
  const name = file.name.toLowerCase();
  if (!ENDINGS.some((ending) => name.endsWith(ending)) && !name.endsWith(".xml.gz"))
    return { code: "NOT_SUPPORTED", name: file.name };
  if (file.size === 0) return { code: "EMPTY", name: file.name };
  if (limitBytes > 0 && file.size > limitBytes) return { code: "TOO_LARGE", name: file.name };
  return null;
}
