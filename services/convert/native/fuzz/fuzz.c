/* Documents nobody thought of, into the core, for so many seconds: `make fuzz`.
 *
 * Built with AddressSanitizer and UndefinedBehaviorSanitizer, and run with leak detection. Each document is put together
 * from pieces of markup, maybe damaged byte by byte, fed in pieces of random sizes to learn, laid out at random, and
 * filled; rows are dropped at random times. What holds of every well-formed one is checked: the values that were counted
 * are those in the cells. */
#include "../core.h"
#include <stdio.h>
#include <time.h>

static uint64_t state, checked, again;

static uint64_t roll(uint64_t sides) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * 0x2545f4914f6cdd1du >> 33) % sides;
}

static const char *const pieces[] = {
    "<a>", "<a>", "<b k='v'>", "<b k='v' l=''>", "<Row>", "<n:c xmlns:n='urn:n' n:k='1'>", "<m:c xmlns:m='urn:n' m:k='1'>", "<d/>",
    "<e x='1' y=' 2 '/>", "<f xsi:nil='true'/>", "text", " ", "\n  ", "&amp;", "&#65;", "&e;", "&far;", "&huge;", "<![CDATA[ <x> ]]>",
    "<!-- c -->", "<?p i?>", "é税", "\xc2\xa0", "<a><b>1</b><c>2</c></a>", "<a><b>1</b><c>2</c></a>", "mixed <i>content</i> here",
};
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
    out->size = 0;
    bytes_text(out, doctypes[roll(sizeof doctypes / sizeof *doctypes)]);
    bytes_text(out, "<r>");
    for (size_t at = 0; at < count; at++) {
        const char *piece = pieces[roll(sizeof pieces / sizeof *pieces)];
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
    if (roll(3) == 0)
        for (size_t at = roll(6); at > 0; at--) out->data[roll(out->size)] = (char)roll(256);
}

static bool feed(Core *core, const Bytes *data, bool whole) {
    core->parse = parse_new(core, NULL, NULL);
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

/* The values in all cells. */
static Tally written(const Core *core) {
    Tally tally = {0};
    for (uint32_t at = 0; at < core->store.count; at++)
        for (uint32_t of = 0; of < core->store.tables[at].column_count; of++) {
            const Column *column = core->store.tables[at].columns[of];
            for (uint32_t row = 0; row < column->rows; row++) {
                const char *cell = column->data.data + column->offsets[row];
                size_t size = (size_t)(column->offsets[row + 1] - column->offsets[row]);
                if (size == 0) continue;
                if (column->kind != SOURCE_COLUMN) tally_add(&tally, cell, size);
                else if (!tally_source(&tally, cell, size)) abort();
            }
        }
    return tally;
}

static void one(Core *core, Bytes *data) {
    document(data);
    core_begin(core);
    bool learned = feed(core, data, roll(2));
    close_parse(core);
    uint64_t readings = 1 + roll(3);
    for (uint64_t reading = 0; learned && reading < readings && core->shape.count > 1; reading++) {
        uint32_t rows = 1 + (uint32_t)roll(core->shape.count < 6 ? core->shape.count : 6);
        core->store.columns_max = (uint32_t)roll(2) ? 1000 : 5;
        core_restart(core, true, rows);
        for (uint32_t at = 0; at < rows; at++) {
            Table *table = &core->store.tables[at];
            Node *node = core->shape.nodes[at == 0 ? 1 : 1 + roll(core->shape.count - 1)];
            table->node = table->slot->node = node;
            if (at && roll(4) == 0) node->runs_table = (int32_t)at;
            else if (node->table < 0) node->table = (int32_t)at;
        }
        bool good = feed(core, data, true);
        if (good && core->dirty) again++;
        if (good && !core->dirty) {
            checked++;
            Tally cells = written(core);
            if (cells.count != core->values.count || cells.sum != core->values.sum) {
                fprintf(stderr, "values were lost of: %.*s\n", (int)data->size, data->data);
                abort();
            }
        }
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
    for (; time(NULL) < end; documents++) {
        state = seed + documents + 1;
        state *= 0x9e3779b97f4a7c15u;
        state |= 1;
        one(&core, &data);
    }
    bytes_free(&data);
    printf("%llu documents without a fault: %llu readings were whole and kept every value, %llu were to be done again\n",
           (unsigned long long)documents, (unsigned long long)checked, (unsigned long long)again);
    return 0;
}
