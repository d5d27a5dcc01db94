/* Plain documents, which most are: UTF-8 without a document type, read without expat and faster than by it.
 *
 * What is accepted here expat accepts, with the same events; tests and the fuzzer compare the two. Whatever is odd, be
 * it damaged or only rare, is not judged here: expat takes the document over, from its beginning (docs/decisions/0017).
 *
 * Behind the bytes in hand stand zeros, which no loop passes: only who meets one asks whether it is the end. */
#include "core.h"
#include <strings.h>

#define TOKEN_MAX (4u << 20) /* bytes of a tag or a section that are held together here */
#define BEHIND 8             /* zeros behind the bytes in hand */
#define REFERENCE_MAX 12     /* bytes of a reference */
#define ATTRIBUTES_MAX 1000  /* of a tag; more are compared by expat, which hashes them */

enum { NAME = 1, BEGINS = 2, TEXT = 4, VALUE = 8, SPACE = 16 };
/* What a byte may be in without a second look: a name, its beginning, text, an attribute's value; white space. */
static const uint8_t classes[256] = {
    ['\t'] = TEXT | SPACE, ['\n'] = TEXT | SPACE, ['\r'] = SPACE, [' '] = TEXT | VALUE | SPACE,
    ['!'] = TEXT | VALUE, ['"'] = TEXT, ['#' ... '%'] = TEXT | VALUE, ['\''] = TEXT, ['(' ... ','] = TEXT | VALUE,
    ['-' ... '.'] = TEXT | VALUE | NAME, ['/'] = TEXT | VALUE, ['0' ... '9'] = TEXT | VALUE | NAME,
    [':'] = TEXT | VALUE | NAME | BEGINS, [';'] = TEXT | VALUE, ['=' ... '@'] = TEXT | VALUE,
    ['A' ... 'Z'] = TEXT | VALUE | NAME | BEGINS, ['[' ... '\\'] = TEXT | VALUE, [']'] = VALUE, ['^'] = TEXT | VALUE,
    ['_'] = TEXT | VALUE | NAME | BEGINS, ['`'] = TEXT | VALUE, ['a' ... 'z'] = TEXT | VALUE | NAME | BEGINS,
    ['{' ... 0x7f] = TEXT | VALUE,
};

static inline bool is(char one, uint8_t class) { return classes[(uint8_t)one] & class; }
static inline int64_t place(const Scan *scan, const char *at) { return scan->base + (at - scan->bytes.data); }
static inline const char *end_of_bytes(const Scan *scan) { return scan->bytes.data + scan->bytes.size; }

/* What does not go on as it should: more may come, or it is odd. */
static inline Scanned stuck(const Scan *scan, const char *at) { return at >= end_of_bytes(scan) ? SCAN_WAITS : SCAN_ODD; }

static inline char *past_space(char *at) {
    while (is(*at, SPACE)) at++;
    return at;
}

static inline char *past_name(char *at) {
    while (is(*at, NAME)) at++;
    return at;
}

/* After an event: whether to read on. */
static inline Scanned told(Scan *scan) {
    if (scan->core->trouble) return SCAN_FAILED;
    return scan->core->store.full ? SCAN_PAUSED : SCAN_READS;
}

/* --- characters ------------------------------------------------------------------------------------------------------- */

/* The bytes of a character beyond ASCII; 0 if it is none that XML has, or not whole. */
static size_t character(const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    if (at[0] < 0xc2 || (at[1] & 0xc0) != 0x80) return 0;
    if (at[0] < 0xe0) return 2;
    if ((at[2] & 0xc0) != 0x80) return 0;
    if (at[0] < 0xf0) {
        uint32_t point = (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
        return point >= 0x800 && (point < 0xd800 || point > 0xdfff) && point < 0xfffe ? 3 : 0;
    }
    if ((at[3] & 0xc0) != 0x80) return 0;
    uint32_t point = (at[0] & 0x7u) << 18 | (at[1] & 0x3fu) << 12;
    return at[0] < 0xf8 && point >= 0x10000 && point <= 0x10ffff ? 4 : 0;
}

/* Past a character beyond ASCII, or why not. */
static Scanned past_character(const Scan *scan, char **at) {
    size_t size = character(*at);
    *at += size;
    if (size) return SCAN_READS;
    return end_of_bytes(scan) - *at < 4 ? SCAN_WAITS : SCAN_ODD;
}

static size_t encoded(uint32_t point, char *out) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t at = size - 1; at > 0; at--, point >>= 6) out[at] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf00u >> size) | point);
    return size;
}

/* The bytes of what &#…; stands for, 0 if it is nothing that XML has. */
static size_t numbered(const char *at, const char *end, char *out) {
    uint32_t point = 0, base = *at == 'x' ? 16 : 10;
    if (base == 16) at++;
    if (at == end) return 0;
    for (; at < end; at++) {
        uint32_t digit = (uint32_t)(*at - '0');
        if (digit > 9) digit = base == 16 && *at >= 'a' && *at <= 'f' ? (uint32_t)(*at - 'a' + 10)
                             : base == 16 && *at >= 'A' && *at <= 'F' ? (uint32_t)(*at - 'A' + 10) : 99;
        if (digit >= base || point > 0x10ffff) return 0;
        point = point * base + digit;
    }
    if (point < 0x20 && point != '\t' && point != '\n' && point != '\r') return 0;
    if ((point >= 0xd800 && point <= 0xdfff) || point == 0xfffe || point == 0xffff || point > 0x10ffff) return 0;
    return encoded(point, out);
}

/* Past a reference at its &, and the bytes it stands for; entities that are declared make a document odd. */
static Scanned past_reference(const Scan *scan, char **at, char out[4], size_t *size) {
    static const struct { const char *name; size_t size; char as; } known[] = {
        {"lt", 2, '<'}, {"gt", 2, '>'}, {"amp", 3, '&'}, {"quot", 4, '"'}, {"apos", 4, '\''}};
    char *name = *at + 1, *end = name;
    while (*end && *end != ';' && end - name < REFERENCE_MAX) end++;
    if (*end != ';') return stuck(scan, end);
    *at = end + 1;
    *size = 0;
    if (*name == '#') {
        *size = numbered(name + 1, end, out);
    } else {
        for (size_t of = 0; of < sizeof known / sizeof *known; of++)
            if ((size_t)(end - name) == known[of].size && memcmp(name, known[of].name, known[of].size) == 0)
                out[(*size)++] = known[of].as;
    }
    return *size ? SCAN_READS : SCAN_ODD;
}

/* To the next `stop`, over characters that XML has. */
static Scanned to(const Scan *scan, char **at, char stop) {
    for (;;) {
        char one = **at;
        if (one == stop) return SCAN_READS;
        if (classes[(uint8_t)one] & (TEXT | VALUE | SPACE) || one == '<' || one == '&') {
            ++*at;
        } else {
            Scanned outcome = (uint8_t)one < 0x80 ? stuck(scan, *at) : past_character(scan, at);
            if (outcome != SCAN_READS) return outcome;
        }
    }
}

/* --- text ---------------------------------------------------------------------------------------------------------------- */

static inline void give(const Scan *scan, const char *from, const char *until) {
    if (until > from) core_text(scan->core, from, (size_t)(until - from));
}

/* Past something in text that wants a look; what stands before it, and instead of it, is given from `*from` on. */
static Scanned past_special(Scan *scan, char **from, char **at) {
    char one = **at;
    if ((uint8_t)one >= 0x80) return past_character(scan, at);
    if (one == ']') {
        if ((*at)[1] == ']' && (*at)[2] == '>') return SCAN_ODD;
        if (end_of_bytes(scan) - *at < 3) return SCAN_WAITS;
        ++*at;
        return SCAN_READS;
    }
    char as[4] = "\n", *next = *at;
    size_t size = 1;
    if (one == '\r') {
        if (next + 1 == end_of_bytes(scan)) return SCAN_WAITS;
        next += next[1] == '\n' ? 2 : 1;
    } else if (one == '&') {
        Scanned outcome = past_reference(scan, &next, as, &size);
        if (outcome != SCAN_READS) return outcome;
    } else {
        return stuck(scan, next);
    }
    give(scan, *from, *at);
    give(scan, as, as + size);
    *from = *at = next;
    return SCAN_READS;
}

static Scanned text(Scan *scan) {
    char *from = scan->at, *at = from;
    Scanned outcome = SCAN_READS;
    while (outcome == SCAN_READS) {
        while (is(*at, TEXT)) at++;
        if (*at == '<') break;
        outcome = past_special(scan, &from, &at);
    }
    give(scan, from, at);
    scan->at = at;
    if (scan->core->trouble) return SCAN_FAILED;
    return outcome;
}

/* White space around the root. */
static Scanned around(Scan *scan) {
    scan->at = past_space(scan->at);
    return *scan->at == '<' ? SCAN_READS : stuck(scan, scan->at);
}

/* --- markup that is no element ------------------------------------------------------------------------------------------- */

static Scanned comment(Scan *scan) {
    char *at = scan->at + 4;
    Scanned outcome = to(scan, &at, '-');
    while (outcome == SCAN_READS && at[1] != '-') {
        at++;
        outcome = to(scan, &at, '-');
    }
    if (outcome != SCAN_READS) return outcome;
    if (at[2] != '>') return stuck(scan, at + 2);
    scan->at = at + 3;
    return SCAN_READS;
}

static Scanned section(Scan *scan) {
    char *from = scan->at + 9, *at = from;
    Scanned outcome = to(scan, &at, ']');
    while (outcome == SCAN_READS && (at[1] != ']' || at[2] != '>')) {
        at++;
        outcome = to(scan, &at, ']');
    }
    if (outcome != SCAN_READS) return outcome;
    scan->at = at + 3;
    for (char *line; (line = memchr(from, '\r', (size_t)(at - from))) != NULL; from = line + (line[1] == '\n' ? 2 : 1)) {
        give(scan, from, line);
        give(scan, "\n", "\n" + 1);
    }
    give(scan, from, at);
    return told(scan);
}

static Scanned marked(Scan *scan) {
    static const char cdata[] = "<![CDATA[";
    char *at = scan->at + 2;
    if (at[0] == '-' && at[1] == '-') return comment(scan);
    if (scan->depth && memcmp(scan->at, cdata, sizeof cdata - 1) == 0) return section(scan);
    return end_of_bytes(scan) - scan->at < (ptrdiff_t)sizeof cdata - 1 ? SCAN_WAITS : SCAN_ODD;
}

static Scanned instruction(Scan *scan) {
    char *name = scan->at + 2, *at = past_name(name);
    if (!is(*name, BEGINS)) return stuck(scan, name);
    if (at - name == 3 && (name[0] | 32) == 'x' && (name[1] | 32) == 'm' && (name[2] | 32) == 'l') return SCAN_ODD;
    if (!is(*at, SPACE) && *at != '?') return stuck(scan, at);
    bool spaced = *at != '?';
    Scanned outcome = to(scan, &at, '?');
    while (outcome == SCAN_READS && at[1] != '>') {
        if (!spaced) return stuck(scan, at + 1);
        at++;
        outcome = to(scan, &at, '?');
    }
    if (outcome == SCAN_READS) scan->at = at + 2;
    return outcome;
}

/* --- elements --------------------------------------------------------------------------------------------------------------- */

static uint64_t mixed(const char *name, size_t size) {
    uint64_t hash = size, some = 0;
    for (; size >= 8; name += 8, size -= 8) {
        memcpy(&some, name, 8);
        hash = (hash ^ some) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    some = 0;
    memcpy(&some, name, size);
    return (hash ^ some) * 0x9e3779b97f4a7c15u;
}

/* Two attributes of one name are odd; those whose names may be the same are compared. */
static bool comes_twice(Scan *scan, const Span *span, uint32_t count) {
    if (count == 0) scan->tags++;
    uint64_t *met = &scan->met[mixed(span->name, span->name_size) >> 54];
    bool again = *met == scan->tags;
    *met = scan->tags;
    for (const Span *other = scan->spans; again && other < scan->spans + count; other++)
        if (other->name_size == span->name_size && memcmp(other->name, span->name, span->name_size) == 0) return true;
    return false;
}

/* Past the value of an attribute, behind its first quote. */
static Scanned value(Scan *scan, Span *span, char **at, char quote) {
    span->value = *at;
    span->differs = false;
    for (;;) {
        while (is(**at, VALUE)) ++*at;
        char one = **at, as[4];
        if (one == quote) return SCAN_READS;
        if (one == '"' || one == '\'') {
            ++*at;
            continue;
        }
        size_t size;
        Scanned outcome = SCAN_READS;
        if ((uint8_t)one >= 0x80) {
            outcome = past_character(scan, at);
        } else if (one == '&') {
            span->differs = true;
            outcome = past_reference(scan, at, as, &size);
        } else if (is(one, SPACE)) {
            span->differs = true;
            ++*at;
        } else {
            outcome = stuck(scan, *at);
        }
        if (outcome != SCAN_READS) return outcome;
    }
}

/* Past an attribute, which becomes the span with this number. */
static Scanned attribute(Scan *scan, char **at, uint32_t count) {
    if (count == ATTRIBUTES_MAX) return SCAN_ODD;
    if (2 * (size_t)count + 3 > scan->room) {
        scan->room = 2 * scan->room + 32;
        scan->spans = must(realloc(scan->spans, scan->room * sizeof(Span)));
        scan->attributes = must(realloc(scan->attributes, scan->room * sizeof(char *)));
    }
    Span *span = scan->spans + count;
    span->name = *at;
    if (!is(**at, BEGINS)) return stuck(scan, *at);
    *at = past_name(*at);
    span->name_size = (size_t)(*at - span->name);
    *at = past_space(*at);
    if (**at != '=') return stuck(scan, *at);
    *at = past_space(*at + 1);
    char quote = **at;
    if (quote != '"' && quote != '\'') return stuck(scan, *at);
    ++*at;
    Scanned outcome = value(scan, span, at, quote);
    if (outcome != SCAN_READS) return outcome;
    span->value_size = (size_t)(*at - span->value);
    ++*at;
    return comes_twice(scan, span, count) ? SCAN_ODD : SCAN_READS;
}

/* A value as it is meant: references resolved, each white space a space. It never grows. */
static size_t meant(const Scan *scan, char *value, size_t size) {
    char *at = value, *out = value, *end = value + size;
    while (at < end) {
        char as[4];
        size_t some;
        if (*at == '&') {
            (void)past_reference(scan, &at, as, &some);
            memcpy(out, as, some);
            out += some;
        } else {
            if (*at == '\r' && at + 1 < end && at[1] == '\n') at++;
            *out++ = is(*at, SPACE) ? ' ' : *at;
            at++;
        }
    }
    return (size_t)(out - value);
}

/* The attributes as the handlers want them; what stands behind names and values is written over. */
static void listed(Scan *scan, uint32_t count) {
    for (uint32_t of = 0; of < count; of++) {
        Span *span = scan->spans + of;
        span->name[span->name_size] = '\0';
        if (span->differs) span->value_size = meant(scan, span->value, span->value_size);
        span->value[span->value_size] = '\0';
        scan->attributes[2 * of] = span->name;
        scan->attributes[2 * of + 1] = span->value;
    }
    scan->attributes[2 * (size_t)count] = NULL;
}

static void opened(Scan *scan, const char *name, size_t size) {
    if (scan->depth == scan->depth_room) {
        scan->depth_room = 2 * scan->depth_room + 64;
        scan->sizes = must(realloc(scan->sizes, scan->depth_room * sizeof(size_t)));
    }
    scan->sizes[scan->depth++] = size;
    bytes_add(&scan->names, name, size + 1);
}

static Scanned start(Scan *scan) {
    static const char *nothing[] = {NULL};
    char *name = scan->at + 1, *at = past_name(name);
    size_t size = (size_t)(at - name);
    uint32_t count = 0;
    if (!is(*name, BEGINS)) return stuck(scan, name);
    while (*at != '>' && *at != '/') {
        char *gap = at;
        at = past_space(at);
        if (*at == '>' || *at == '/') break;
        if (at == gap) return stuck(scan, at);
        Scanned outcome = attribute(scan, &at, count++);
        if (outcome != SCAN_READS) return outcome;
    }
    bool empty = *at == '/';
    if (empty && *++at != '>') return stuck(scan, at);
    if (scan->depth == 0 && scan->rooted) return SCAN_ODD;
    scan->rooted = true;
    scan->core->at = place(scan, name - 1);
    scan->core->until = place(scan, at + 1);
    name[size] = '\0';
    if (count) listed(scan, count);
    core_start(scan->core, name, count ? scan->attributes : nothing);
    if (empty) core_stop(scan->core, name);
    else opened(scan, name, size);
    scan->at = at + 1;
    return told(scan);
}

static Scanned stop(Scan *scan) {
    if (scan->depth == 0) return SCAN_ODD;
    size_t size = scan->sizes[scan->depth - 1];
    const char *name = scan->names.data + scan->names.size - size - 1;
    char *at = scan->at + 2;
    if ((size_t)(end_of_bytes(scan) - at) <= size) return SCAN_WAITS;
    if (memcmp(at, name, size)) return SCAN_ODD;
    at = past_space(at + size);
    if (*at != '>') return stuck(scan, at);
    scan->core->at = place(scan, scan->at);
    scan->core->until = place(scan, at + 1);
    core_stop(scan->core, name);
    scan->depth--;
    scan->names.size -= size + 1;
    scan->at = at + 1;
    return told(scan);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------------- */

/* Past a part of the declaration: white space, its name, and its value in quotes; NULL if something else stands there. */
static char *declared(char *at, const char *name, const char **value, size_t *size) {
    char *from = past_space(at), quote;
    if (from == at || strncmp(from, name, strlen(name))) return NULL;
    at = past_space(from + strlen(name));
    if (*at != '=') return NULL;
    at = past_space(at + 1);
    quote = *at;
    if (quote != '"' && quote != '\'') return NULL;
    *value = ++at;
    while (is(*at, NAME)) at++;
    *size = (size_t)(at - *value);
    return *at == quote ? at + 1 : NULL;
}

/* Whether an encoding may have this name. */
static bool is_encoding(const char *value, size_t size) {
    return size && is(*value, BEGINS) && *value != '_' && memchr(value, ':', size) == NULL;
}

static bool same(const char *value, size_t size, const char *other) {
    return size == strlen(other) && strncasecmp(value, other, size) == 0;
}

/* Past a byte order mark and a declaration of UTF-8. */
static Scanned beginning(Scan *scan) {
    static const char open[] = "<?xml";
    char *at = scan->at;
    const char *value;
    size_t size;
    if (scan->bytes.size < 64 && !scan->last) return SCAN_WAITS;
    if (memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
    if (strncmp(at, open, sizeof open - 1) == 0 && is(at[sizeof open - 1], SPACE)) {
        at = declared(at + sizeof open - 1, "version", &value, &size);
        if (at == NULL || !same(value, size, "1.0")) return SCAN_ODD;
        char *more = declared(at, "encoding", &value, &size);
        if (more && !(scan->known ? is_encoding(value, size) : same(value, size, "utf-8"))) return SCAN_ODD;
        if (more) at = more;
        more = declared(at, "standalone", &value, &size);
        if (more && !(size == 3 && memcmp(value, "yes", 3) == 0) && !(size == 2 && memcmp(value, "no", 2) == 0)) return SCAN_ODD;
        at = past_space(more ? more : at);
        if (at[0] != '?' || at[1] != '>') return SCAN_ODD;
        at += 2;
    }
    scan->at = at;
    scan->begun = true;
    return SCAN_READS;
}

void scan_begin(Scan *scan, Core *core, bool known) {
    *scan = (Scan){.core = core, .known = known};
    scan_add(scan, "", 0, false);
}

void scan_free(Scan *scan) {
    bytes_free(&scan->bytes);
    bytes_free(&scan->names);
    free(scan->sizes);
    free(scan->spans);
    free(scan->attributes);
}

void scan_add(Scan *scan, const char *data, size_t size, bool last) {
    Bytes *bytes = &scan->bytes;
    size_t read = bytes->size ? (size_t)(scan->at - bytes->data) : 0;
    if (scan->rooted) { /* until then expat may still want them all */
        memmove(bytes->data, bytes->data + read, bytes->size - read);
        bytes->size -= read;
        scan->base += (int64_t)read;
        read = 0;
    }
    bytes_reserve(bytes, size + BEHIND);
    if (size) memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    memset(bytes->data + bytes->size, 0, BEHIND);
    scan->at = bytes->data + read;
    scan->last = last;
}

Scanned scan_on(Scan *scan) {
    Scanned outcome = scan->begun ? SCAN_READS : beginning(scan);
    while (outcome == SCAN_READS) {
        if (*scan->at != '<') outcome = scan->depth ? text(scan) : around(scan);
        else if (scan->at[1] == '/') outcome = stop(scan);
        else if (scan->at[1] == '!') outcome = marked(scan);
        else if (scan->at[1] == '?') outcome = instruction(scan);
        else outcome = start(scan);
    }
    if (outcome != SCAN_WAITS) return outcome;
    if (!scan->last) return end_of_bytes(scan) - (scan->rooted ? scan->at : scan->bytes.data) > TOKEN_MAX ? SCAN_ODD : SCAN_WAITS;
    return scan->rooted && scan->depth == 0 && scan->at == end_of_bytes(scan) ? SCAN_ENDED : SCAN_ODD;
}
