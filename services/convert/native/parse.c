/* One strict, streaming, namespace-unaware parse that follows nothing outside the document: by the scanner as long as
 * the document is plain, else by expat.
 *
 * No DTD is loaded, no external entity is read: a reference to something outside gives nothing and is named. Entities
 * that grow beyond every measure end the parse. */
#include "core.h"

#define EXPANSION_FREE (8u << 20) /* bytes that a document with entities may always give */
#define EXPANSION_FACTOR 8        /* ... and so many more for each byte of it */

enum { OURS = 1, OUTSIDE = 2 };

static void name_outside(Parse *parse, const char *name, size_t size) {
    for (const char *at = parse->outside.data, *end = at + parse->outside.size; at < end; at += strlen(at) + 1)
        if (strlen(at) == size && memcmp(at, name, size) == 0) return;
    parse->outside_count++;
    if (parse->outside_named == NAMED) return;
    parse->outside_named++;
    bytes_add(&parse->outside, name, size);
    bytes_char(&parse->outside, '\0');
}

static void fine(Parse *parse) {
    if (parse->core->trouble) {
        XML_StopParser(parse->parser, XML_FALSE);
    } else if (parse->core->store.full && !parse->paused) {
        parse->paused = XML_StopParser(parse->parser, XML_TRUE) == XML_STATUS_OK;
    }
}

/* expat's own guard waits for a hundredfold, ours for less. */
static void count_expanded(Parse *parse, size_t size) {
    parse->characters += size;
    if (parse->characters <= EXPANSION_FREE + EXPANSION_FACTOR * parse->fed) return;
    parse->bomb = true;
    XML_StopParser(parse->parser, XML_FALSE);
}

/* Entities may be declared elsewhere, and expat drops unknown ones in attributes silently: read the tag itself. */
static void watch(Parse *parse) {
    int offset, size;
    const char *context = XML_GetInputContext(parse->parser, &offset, &size);
    if (context == NULL || offset >= size || context[offset] != '<') return;
    char quote = 0;
    for (const char *at = context + offset + 1, *end = context + size; at < end; at++) {
        if (quote == 0) {
            if (*at == '>') return;
            if (*at == '"' || *at == '\'') quote = *at;
        } else if (*at == quote) {
            quote = 0;
        } else if (*at == '&') {
            const char *name = at + 1;
            while (at < end && *at != ';' && *at != quote) at++;
            size_t length = (size_t)(at - name);
            if (at == end || *at != ';' || length == 0 || *name == '#') continue;
            static const char *const predefined[] = {"lt", "gt", "amp", "quot", "apos"};
            bool known = map_find(&parse->entities, NULL, 0, name, length) != NULL;
            for (size_t of = 0; of < 5; of++) known |= strlen(predefined[of]) == length && memcmp(predefined[of], name, length) == 0;
            if (!known) name_outside(parse, name, length);
        }
    }
}

static void XMLCALL start_of(void *data, const char *name, const char **attributes) {
    Parse *parse = data;
    if (parse->watching && attributes[0]) watch(parse);
    for (const char **at = attributes; parse->counts_characters && at[0] && !parse->bomb; at += 2)
        count_expanded(parse, strlen(at[1]));
    if (parse->bomb) return;
    core_start(parse->core, name, attributes);
    fine(parse);
}

static void XMLCALL end_of(void *data, const char *name) {
    Parse *parse = data;
    core_stop(parse->core, name);
    fine(parse);
}

static void XMLCALL text_of(void *data, const char *text, int size) {
    Parse *parse = data;
    if (parse->counts_characters) count_expanded(parse, (size_t)size);
    if (parse->bomb) return;
    core_text(parse->core, text, (size_t)size);
    if (parse->core->trouble) fine(parse);
}

static void XMLCALL doctype_of(void *data, const char *name, const char *system_id, const char *public_id, int internal) {
    (void)name, (void)public_id, (void)internal;
    if (system_id) ((Parse *)data)->watching = true;
}

static void XMLCALL entity_of(void *data, const char *name, int parameter, const char *value, int size, const char *base,
                              const char *system_id, const char *public_id, const char *notation) {
    (void)size, (void)base, (void)system_id, (void)public_id, (void)notation;
    Parse *parse = data;
    if (parameter) {
        parse->watching = true;
        return;
    }
    size_t length = strlen(name);
    const char *kept = arena_copy(&parse->names, name, length);
    map_put(&parse->entities, NULL, 0, kept, length, (void *)(uintptr_t)(value ? OURS : OUTSIDE));
    if (value) parse->counts_characters = true;
}

/* The context is the names of all open entities in no order: with the one in question, those it was reached by. */
static int XMLCALL external_of(XML_Parser parser, const char *context, const char *base, const char *system_id,
                               const char *public_id) {
    (void)base, (void)system_id, (void)public_id;
    Parse *parse = XML_GetUserData(parser);
    for (const char *at = context; at && *at;) {
        size_t length = strcspn(at, "\f");
        if ((uintptr_t)map_find(&parse->entities, NULL, 0, at, length) == OUTSIDE) name_outside(parse, at, length);
        at += length + (at[length] == '\f');
    }
    return XML_STATUS_OK;
}

static void XMLCALL skipped_of(void *data, const char *name, int parameter) {
    if (!parameter) name_outside(data, name, strlen(name));
}

static int XMLCALL unknown_encoding(void *data, const char *name, XML_Encoding *info) {
    (void)name;
    Parse *parse = data;
    if (!parse->has_encoding) return XML_STATUS_ERROR;
    memcpy(info->map, parse->encoding, sizeof info->map);
    info->data = NULL;
    info->convert = NULL;
    info->release = NULL;
    return XML_STATUS_OK;
}

/* `encoding` overrides the declared one; `table` is what each byte of it is, for an encoding expat does not know.
 * A `plain` document is not yet known to be odd. */
Parse *parse_new(Core *core, const char *encoding, const int *table, bool plain) {
    Parse *parse = must(calloc(1, sizeof(Parse)));
    parse->core = core;
    parse->parser = must(XML_ParserCreate(encoding));
    if (table) {
        memcpy(parse->encoding, table, sizeof parse->encoding);
        parse->has_encoding = true;
    }
    bool known = encoding && strcmp(encoding, "UTF-8") == 0;
    if (plain && table == NULL && (known || encoding == NULL)) {
        parse->scan = must(malloc(sizeof(Scan)));
        scan_begin(parse->scan, core, known);
    }
    XML_SetUserData(parse->parser, parse);
    XML_SetElementHandler(parse->parser, start_of, end_of);
    XML_SetCharacterDataHandler(parse->parser, text_of);
    XML_SetStartDoctypeDeclHandler(parse->parser, doctype_of);
    XML_SetEntityDeclHandler(parse->parser, entity_of);
    XML_SetExternalEntityRefHandler(parse->parser, external_of);
    XML_SetSkippedEntityHandler(parse->parser, skipped_of);
    XML_SetUnknownEncodingHandler(parse->parser, unknown_encoding, parse);
    return parse;
}

static void scan_drop(Parse *parse) {
    if (parse->scan) scan_free(parse->scan);
    free(parse->scan);
    parse->scan = NULL;
}

void parse_free(Parse *parse) {
    XML_ParserFree(parse->parser);
    scan_drop(parse);
    map_free(&parse->entities);
    arena_free(&parse->names);
    bytes_free(&parse->outside);
    free(parse);
}

/* expat takes over from the beginning, of which the scanner has given nothing yet. */
static bool handed_over(Parse *parse) {
    Bytes bytes = parse->scan->bytes;
    bool last = parse->scan->last;
    parse->scan->bytes = (Bytes){0};
    scan_drop(parse);
    bool good = XML_Parse(parse->parser, bytes.data, (int)bytes.size, last) != XML_STATUS_ERROR;
    bytes_free(&bytes);
    return good;
}

static bool scanned(Parse *parse) {
    Scanned outcome = scan_on(parse->scan);
    parse->paused = outcome == SCAN_PAUSED;
    if (outcome == SCAN_ODD && !parse->scan->rooted) return handed_over(parse);
    parse->unplain = outcome == SCAN_ODD;
    return outcome != SCAN_ODD && outcome != SCAN_FAILED;
}

bool parse_feed(Parse *parse, const char *data, size_t size, bool last) {
    parse->fed += size;
    if (parse->scan) {
        scan_add(parse->scan, data, size, last);
        return scanned(parse);
    }
    return XML_Parse(parse->parser, data, (int)size, last) != XML_STATUS_ERROR;
}

/* Go on where rows were to be taken; it may pause again. */
bool parse_resume(Parse *parse) {
    parse->paused = false;
    if (parse->scan) return scanned(parse);
    return XML_ResumeParser(parse->parser) != XML_STATUS_ERROR;
}
