/* The multiset of values as their number and the sum of their 128-bit hashes: the same in any order, in constant memory.
 * (Order-independent sums of hashes: Clarke et al., "Incremental multiset hash functions", 2003.) */
#include "core.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

/* How many bytes of white space a text begins with, as str.strip() of Python sees it. */
static size_t space_at(const unsigned char *text, size_t size) {
    unsigned char first = text[0];
    if (first < 0x80) return first == ' ' || (first >= 0x09 && first <= 0x0d) || (first >= 0x1c && first <= 0x1f);
    if (first == 0xc2 && size > 1) return text[1] == 0x85 || text[1] == 0xa0 ? 2 : 0;
    if (size < 3) return 0;
    if (first == 0xe1) return text[1] == 0x9a && text[2] == 0x80 ? 3 : 0;
    if (first == 0xe3) return text[1] == 0x80 && text[2] == 0x80 ? 3 : 0;
    if (first != 0xe2) return 0;
    if (text[1] == 0x80) return (text[2] >= 0x80 && text[2] <= 0x8a) || text[2] == 0xa8 || text[2] == 0xa9 || text[2] == 0xaf ? 3 : 0;
    return text[1] == 0x81 && text[2] == 0x9f ? 3 : 0;
}

size_t stripped_slowly(const char **text, size_t size) {
    const unsigned char *begin = (const unsigned char *)*text, *end = begin + size;
    while (begin < end) {
        size_t space = space_at(begin, (size_t)(end - begin));
        if (space == 0) break;
        begin += space;
    }
    while (end > begin) {
        size_t space = 0, left = (size_t)(end - begin);
        if (end[-1] < 0x80) {
            space = space_at(end - 1, 1);
        } else {
            if (left >= 2 && end[-2] >= 0xc0) space = space_at(end - 2, 2);
            else if (left >= 3 && end[-3] >= 0xe0) space = space_at(end - 3, 3);
        }
        if (space == 0) break;
        end -= space;
    }
    *text = (const char *)begin;
    return (size_t)(end - begin);
}

bool tally_add(Tally *tally, const char *text, size_t size) {
    size = stripped(&text, size);
    if (size == 0) return false;
    XXH128_hash_t hash = XXH3_128bits(text, size);
    tally->count++;
    tally->sum += (uint128)hash.high64 << 64 | hash.low64;
    return true;
}

typedef struct {
    Tally *tally;
    Bytes run;
} Reading;

static void border(Reading *reading) {
    tally_add(reading->tally, reading->run.data, reading->run.size);
    reading->run.size = 0;
}

static void XMLCALL start_of(void *data, const char *name, const char **attributes) {
    (void)name;
    Reading *reading = data;
    border(reading);
    for (; attributes[0]; attributes += 2)
        if (!is_declaration(attributes[0])) tally_add(reading->tally, attributes[1], strlen(attributes[1]));
}

static void XMLCALL end_of(void *data, const char *name) {
    (void)name;
    border(data);
}

static void XMLCALL text_of(void *data, const char *text, int size) {
    bytes_add(&((Reading *)data)->run, text, (size_t)size);
}

bool tally_source(Tally *tally, const char *source, size_t size) {
    Reading reading = {tally, {0}};
    XML_Parser parser = must(XML_ParserCreate("UTF-8"));
    XML_SetUserData(parser, &reading);
    XML_SetElementHandler(parser, start_of, end_of);
    XML_SetCharacterDataHandler(parser, text_of);
    bool good = XML_Parse(parser, "<x>", 3, 0) == XML_STATUS_OK;
    for (size_t at = 0; good && at < size; at += 1u << 20) {
        size_t piece = size - at < 1u << 20 ? size - at : 1u << 20;
        good = XML_Parse(parser, source + at, (int)piece, 0) == XML_STATUS_OK;
    }
    good = good && XML_Parse(parser, "</x>", 4, 1) == XML_STATUS_OK;
    XML_ParserFree(parser);
    bytes_free(&reading.run);
    return good;
}
