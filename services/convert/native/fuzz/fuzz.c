/* Documents nobody thought of, into the core, for so many seconds: `make fuzz`.
 *
 * Built with AddressSanitizer and UndefinedBehaviorSanitizer, and run with leak detection. Each document is put together
 * from pieces of markup, maybe damaged byte by byte, fed in pieces of random sizes to learn, laid out at random, and
 * filled; rows are dropped at random times. What holds of every well-formed one is checked: the values that were counted
 * are those in the cells; and what the scanner reads is what expat reads. */
#include "../core.h"
#include <stdio.h>
#include <time.h>

static uint64_t state, checked, again, compared;
static bool latin; /* the document declares ISO-8859-1 */
static bool known; /* it is read as UTF-8 whatever it declares */

static uint64_t roll(uint64_t sides) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * 0x2545f4914f6cdd1du >> 33) % sides;
}

static const char *const pieces[] = {
    "<a>", "<a>", "<b k='v'>", "<b k='v' l=''>", "<Row>", "<n:c xmlns:n='urn:n' n:k='1'>", "<m:c xmlns:m='urn:n' m:k='1'>", "<d/>",
    "<e x='1' y=' 2 '/>", "<f xsi:nil='true'/>", "text", " ", "\n  ", "&amp;", "&#65;", "<![CDATA[ <x> ]]>",
    "<!-- c -->", "<?p i?>", "é税", "\xc2\xa0", "<a><b>1</b><c>2</c></a>", "<a><b>1</b><c>2</c></a>", "mixed <i>content</i> here",
    "a\r\nb\rc", "]]", "]", "&lt;&gt;&quot;&apos;", "&#xe4;&#x1F600;&#13;", "<e k='a\r\n\tb &amp;&#10;&lt;' l = \"it's\" />", "<![CDATA[a\r\nb]]]]>",
    "<![CDATA[]]>", "<!---->", "<?p?>", "<?q a?b ?>", "\xf0\x9f\x98\x80", "<b\n k='v'\r\n/>", "<a\t></a >",
    /* and what the scanner leaves to expat: */
    "<ä/>", "<e ü='1'/>", "<e k='1' k='2'/>", "&e;", "&far;", "&huge;", "]]>", "&#1;", "<!-- -- -->",
    "\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
};
#define ODD_PIECES 17
static const char *const beginnings[] = {
    "", "", "", "", "<?xml version='1.0'?>\r\n", "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes' ?><!-- c --><?p?>",
    "\xef\xbb\xbf", "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>", "<?xml version='1.0' encoding='iso-8859-1'?>", "<?xml version='1.0' encoding='a:b'?>", " ", "\n\n",
};
static const char *const endings[] = {"", "", "", "", "\r\n", "<!-- c -->\n<?p?>", " x", "<r/>", "</r>", "&#32;", "<![CDATA[]]>"};
static const char *const doctypes[] = {
    "", "", "", "<!DOCTYPE r SYSTEM 'r.dtd'>", "<!DOCTYPE r [<!ENTITY e 'v<x>w</x>'><!ENTITY far SYSTEM 'file:///etc/passwd'>]>",
    "<!DOCTYPE r [<!ENTITY a '0123456789'><!ENTITY e '&a;&a;&a;&a;'><!ENTITY huge '&e;&e;&e;&e;&e;&e;'>]>",
};

static void name_of(Bytes *out, const char *start) {
    bytes_add(out, start + 1, strcspn(start + 1, " >/"));
}

static void document(Bytes *out) {
    const char *open[1024];
    size_t depth = 0, count = roll(4) ? roll(60) : roll(3000);
    size_t kinds = sizeof pieces / sizeof *pieces - (roll(3) ? ODD_PIECES : 0);
    out->size = 0;
    const char *beginning = beginnings[roll(sizeof beginnings / sizeof *beginnings)];
    known = roll(4) == 0;
    latin = !known && strstr(beginning, "8859");
    bytes_text(out, beginning);
    bytes_text(out, doctypes[roll(sizeof doctypes / sizeof *doctypes)]);
    bytes_text(out, "<r>");
    for (size_t at = 0; at < count; at++) {
        const char *piece = pieces[roll(kinds)];
        if (roll(4) == 0 && depth) {
            bytes_text(out, "</");
            name_of(out, open[--depth]);
            bytes_char(out, '>');
        }
        size_t size = strlen(piece);
        if (roll(12) == 0 && depth < 1024) { /* more namespaces than are remembered */
            char scoped[64];
            snprintf(scoped, sizeof scoped, "<s xmlns:p='urn:%u' p:k='v'>", (unsigned)roll(40));
            bytes_text(out, scoped);
            open[depth++] = "<s>";
            continue;
        }
        bool opens = piece[0] == '<' && piece[1] != '!' && piece[1] != '?' && piece[size - 2] != '/' && !strstr(piece, "</");
        if (opens && depth == 1024) continue;
        bytes_text(out, piece);
        if (opens) open[depth++] = piece;
    }
    while (depth) {
        bytes_text(out, "</");
        name_of(out, open[--depth]);
        bytes_char(out, '>');
    }
    bytes_text(out, "</r>");
    bytes_text(out, endings[roll(sizeof endings / sizeof *endings)]);
    if (roll(3) == 0)
        for (size_t at = roll(6); at > 0; at--) out->data[roll(out->size)] = (char)roll(256);
}

static bool feed(Core *core, const Bytes *data, bool whole, bool plain) {
    core->parse = parse_new(core, known ? "UTF-8" : NULL, NULL, plain);
    bool good = true;
    for (size_t at = 0; good && at < data->size;) {
        size_t size = 1 + roll(roll(3) ? data->size : 16);
        if (size > data->size - at) size = data->size - at;
        good = parse_feed(core->parse, data->data + at, size, false);
        at += size;
        if (!whole && roll(3) == 0) break;
    }
    if (whole && good) good = parse_feed(core->parse, NULL, 0, true) && core_finish(core);
    return good;
}

static void close_parse(Core *core) {
    if (core->parse) parse_free(core->parse);
    core->parse = NULL;
}

static void fail(const char *what, const Bytes *data) {
    fprintf(stderr, "%s: ", what);
    fwrite(data->data, 1, data->size, stderr);
    abort();
}

/* The values in all cells. In ISO-8859-1 expat lets names have letters that it refuses in UTF-8: such source is not read. */
static Tally written(const Core *core, const Bytes *document) {
    Tally tally = {0};
    for (uint32_t at = 0; at < core->store.count; at++)
        for (uint32_t of = 0; of < core->store.tables[at].column_count; of++) {
            const Column *column = core->store.tables[at].columns[of];
            for (uint32_t row = 0; row < column->rows; row++) {
                const char *cell = column->data.data + column->offsets[row];
                size_t size = (size_t)(column->offsets[row + 1] - column->offsets[row]);
                if (size == 0) continue;
                if (column->kind != SOURCE_COLUMN) {
                    tally_add(&tally, cell, size);
                } else if (!tally_source(&tally, cell, size)) {
                    if (!latin) fail("the source in a cell is not well-formed", document);
                    return core->values;
                }
            }
        }
    return tally;
}

static void hashed(uint64_t *hash, const void *data, size_t size) {
    for (const uint8_t *at = data; size > 0; size--, at++) *hash = (*hash ^ *at) * 0x100000001b3u;
}

/* Everything a reading has left: values, figures of paths, and cells with the places of their rows. */
static uint64_t digest(const Core *core) {
    uint64_t hash = 0xcbf29ce484222325u;
    hashed(&hash, &core->values, sizeof core->values);
    for (uint32_t at = 0; at < core->shape.count; at++) {
        const Node *node = core->shape.nodes[at];
        uint64_t figures[] = {node->count, node->most, node->runs, node->values, node->text, node->empty, node->source};
        hashed(&hash, figures, sizeof figures);
    }
    for (uint32_t at = 0; at < core->store.count; at++) {
        const Table *table = &core->store.tables[at];
        hashed(&hash, &table->opened, sizeof table->opened);
        if (table->opened) hashed(&hash, table->starts, table->opened * sizeof(int64_t)), hashed(&hash, table->ends, table->opened * sizeof(int64_t));
        for (uint32_t of = 0; of < table->column_count; of++) {
            const Column *column = table->columns[of];
            hashed(&hash, column->data.data, column->data.size);
            if (column->rows) hashed(&hash, column->offsets, (column->rows + 1) * sizeof(int32_t));
        }
    }
    return hash;
}

static void lay_out(Core *core, uint32_t rows, const uint64_t *ids, const bool *of_runs) {
    core_restart(core, true, rows);
    for (uint32_t at = 0; at < rows; at++) {
        Table *table = &core->store.tables[at];
        Node *node = core->shape.nodes[ids[at]];
        table->node = table->slot->node = node;
        if (of_runs[at]) node->runs_table = (int32_t)at;
        else if (node->table < 0) node->table = (int32_t)at;
    }
}

/* What the scanner reads expat reads, and the same of it. */
static void compare(Core *core, const Bytes *data, bool good, uint64_t before) {
    if (!good || core->dirty) return;
    compared++;
    if (digest(core) != before) fail("the scanner and expat differ", data);
}

static void one(Core *core, Bytes *data) {
    document(data);
    core_begin(core);
    bool plain = roll(4);
    bool learned = feed(core, data, roll(2), plain);
    bool odd = core->parse->unplain;
    close_parse(core);
    uint64_t readings = 1 + roll(3);
    for (uint64_t reading = 0; (learned || odd) && reading < readings && core->shape.count > 1; reading++) {
        uint32_t rows = 1 + (uint32_t)roll(core->shape.count < 6 ? core->shape.count : 6);
        uint64_t ids[6] = {1};
        bool of_runs[6] = {false};
        for (uint32_t at = 1; at < rows; at++) ids[at] = 1 + roll(core->shape.count - 1), of_runs[at] = roll(4) == 0;
        core->store.columns_max = (uint32_t)roll(2) ? 1000 : 5;
        lay_out(core, rows, ids, of_runs);
        bool good = feed(core, data, true, plain);
        bool by_scanner = core->parse->scan != NULL && !core->parse->unplain;
        if (good && core->dirty) again++;
        if (good && !core->dirty) {
            checked++;
            Tally cells = written(core, data);
            if (cells.count != core->values.count || cells.sum != core->values.sum) fail("values were lost", data);
        }
        uint64_t before = digest(core);
        bool clean = good && !core->dirty;
        close_parse(core);
        if (!by_scanner || !clean) continue;
        lay_out(core, rows, ids, of_runs);
        good = feed(core, data, true, false);
        if (!good && core->trouble == FINE) fail("the scanner reads what expat refuses", data);
        compare(core, data, good, before);
        close_parse(core);
    }
    core_end(core);
}

int main(int count, char **words) {
    uint64_t seed = count > 2 ? strtoull(words[2], NULL, 10) : (uint64_t)time(NULL), documents = 0;
    time_t end = time(NULL) + (count > 1 ? atoi(words[1]) : 60);
    Bytes data = {0};
    static Core core;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout); /* it is wanted where this ends early */
    for (; time(NULL) < end; documents++) {
        state = seed + documents + 1;
        state *= 0x9e3779b97f4a7c15u;
        state |= 1;
        one(&core, &data);
    }
    bytes_free(&data);
    printf("%llu documents without a fault: %llu readings were whole and kept every value, %llu were to be done again; %llu were the same by expat\n",
           (unsigned long long)documents, (unsigned long long)checked, (unsigned long long)again, (unsigned long long)compared);
    return 0;
}
