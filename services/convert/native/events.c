/* The three handlers: where elements and runs of text are told apart, counted and put into their places.
 *
 * An element whose path is known to hold mixed content (`suspect`) is logged until it ends; then it is known whether it
 * is source, and the log is read again accordingly. Mixed content that was not expected makes the reading `dirty`: it
 * goes on without filling tables, so that all such paths are known, and whoever reads begins anew. */
#include "core.h"

enum { UNDECIDED, PLAIN, MIXED };
enum { LOG_START, LOG_TEXT, LOG_END };

/* An event in the log. A start is followed by its attributes' count, its name and its attributes, each with a NUL; a
 * text by its bytes, an end by its name with a NUL. `end` is where the log goes on behind the element's own end, 0 while it is open. */
typedef struct {
    uint32_t kind, decision;
    uint64_t end, size;
    int64_t at, until;
} Logged;

static Frame *top(Core *core) { return &core->frames[core->depth]; }
static Table *table_of(Core *core, const Frame *frame) { return &core->store.tables[frame->table]; }
static void wrong(Core *core) { core->dirty = true; core->build = false; }

/* A scope is held by the element that opened it. */
static void frame_drop(const Frame *frame) {
    if (frame->scoped) scope_drop(frame->scope);
}

/* --- values ------------------------------------------------------------------------------------------------------------ */

/* Count a value of the document, once: not again when the log is read. Whether it was one. */
static bool count(Core *core, const char *text, size_t size) {
    if (core->replaying) return !is_blank(text, size);
    return tally_add(&core->values, text, size);
}

static uint64_t count_attributes(Core *core, const char **attributes) {
    uint64_t values = 0;
    for (; attributes[0]; attributes += 2)
        if (!is_declaration(attributes[0])) values += count(core, attributes[1], strlen(attributes[1]));
    return values;
}

/* A run of text that stays source. */
static void text_below(Core *core) {
    if (count(core, core->text.data, core->text.size)) core->below_values++;
    source_text(&core->deep, core->text.data, core->text.size);
    core->text.size = 0;
}

/* Where the event in hand begins and ends in the document; -1 is nowhere. */
static bool by_expat(const Core *core) { return !core->replaying && core->parse && core->parse->scan == NULL; }

static int64_t begins(const Core *core) {
    if (!by_expat(core)) return core->at;
    return (int64_t)XML_GetCurrentByteIndex(core->parse->parser);
}

static int64_t ends(const Core *core) {
    if (!by_expat(core)) return core->until;
    return (int64_t)XML_GetCurrentByteIndex(core->parse->parser) + XML_GetCurrentByteCount(core->parse->parser);
}

static bool too_large(Core *core, size_t size) {
    if (size <= CELL_MAX) return false;
    core->trouble = CELL_TOO_LARGE;
    return true;
}

/* What is learned while filling, and would have been filled otherwise had it been known. */
static void is_container(Core *core, Node *node) {
    if (node->known_container) return;
    node->known_container = true;
    if (node->leafed && core->build) wrong(core);
}

static void has_text(Core *core, Node *node) {
    if (node->known_text) return;
    node->known_text = true;
    if (node->skipped_empty && core->build) wrong(core);
}

/* --- the log ----------------------------------------------------------------------------------------------------------------- */

static size_t log_event(Core *core, uint32_t kind, const char *data, size_t size) {
    size_t at = core->log.size;
    Logged event = {kind, UNDECIDED, 0, size, begins(core), ends(core)};
    bytes_add(&core->log, &event, sizeof event);
    if (data) bytes_add(&core->log, data, size);
    return at;
}

static size_t log_start(Core *core, const char *name, const char **attributes) {
    size_t at = log_event(core, LOG_START, NULL, 0), from = core->log.size;
    uint32_t pairs = 0;
    while (attributes[2 * (size_t)pairs]) pairs++;
    bytes_add(&core->log, &pairs, sizeof pairs);
    bytes_add(&core->log, name, strlen(name) + 1);
    for (; attributes[0]; attributes++) bytes_add(&core->log, attributes[0], strlen(attributes[0]) + 1);
    uint64_t size = core->log.size - from;
    memcpy(core->log.data + at + offsetof(Logged, size), &size, sizeof size);
    return at;
}

static void log_decide(Core *core, size_t at, uint32_t decision) {
    uint64_t end = core->log.size;
    memcpy(core->log.data + at + offsetof(Logged, decision), &decision, sizeof decision);
    memcpy(core->log.data + at + offsetof(Logged, end), &end, sizeof end);
}

/* The name and the attributes of a logged start; the attributes are `list`, to be freed. */
static const char *logged_start(const char *data, const char ***list) {
    uint32_t pairs;
    memcpy(&pairs, data, sizeof pairs);
    const char *name = data + sizeof pairs, *at = name + strlen(name) + 1;
    const char **attributes = must(calloc(2 * (size_t)pairs + 1, sizeof(char *)));
    for (uint32_t of = 0; of < 2 * pairs; of++, at += strlen(at) + 1) attributes[of] = at;
    *list = attributes;
    return name;
}

static void source_from_log(Core *core, const char *log, size_t at, size_t end) {
    while (at < end) {
        Logged event;
        memcpy(&event, log + at, sizeof event);
        const char *data = log + at + sizeof event;
        if (event.kind == LOG_START) {
            const char **attributes;
            const char *name = logged_start(data, &attributes);
            core->below_values += count_attributes(core, attributes);
            source_start(&core->deep, name, attributes);
            free(attributes);
        } else if (event.kind == LOG_TEXT) {
            core->below_values += !is_blank(data, event.size);
            source_text(&core->deep, data, event.size);
        } else {
            source_end(&core->deep, data);
        }
        at += sizeof event + event.size;
    }
}

static void element_close(Core *core);

/* The inside and the end of an element that is source; where the log goes on. */
static size_t source_replayed(Core *core, const char *log, size_t inside, size_t next) {
    size_t last = inside;
    Logged event = {0};
    for (size_t at = inside; at < next; at += sizeof event + event.size) {
        memcpy(&event, log + at, sizeof event);
        last = at;
    }
    core->below_values = top(core)->own;
    source_from_log(core, log, inside, last);
    core->at = event.at;
    core->until = event.until;
    element_close(core);
    return next;
}

/* Read the log as if it came only now: `first` is what was decided of the element with which it begins. */
static void replay(Core *core, uint32_t first) {
    Bytes log = core->log;
    bool outer = core->replaying;
    int64_t at_now = core->at, until_now = core->until;
    core->log = (Bytes){0};
    core->log_depth = 0;
    core->replaying = true;
    for (size_t at = 0; at < log.size && core->trouble == FINE;) {
        Logged event;
        memcpy(&event, log.data + at, sizeof event);
        const char *data = log.data + at + sizeof event;
        size_t next = at + sizeof event + event.size;
        core->at = event.at;
        core->until = event.until;
        if (event.kind == LOG_START) {
            const char **attributes;
            const char *name = logged_start(data, &attributes);
            core->decision = (int)(at == 0 ? first : event.decision);
            core_start(core, name, attributes);
            free(attributes);
            if ((at == 0 ? first : event.decision) == MIXED && core->log_depth == 0 && !core->below)
                next = source_replayed(core, log.data, next, event.end);
        } else if (event.kind == LOG_TEXT) {
            core_text(core, data, event.size);
        } else {
            core_stop(core, data);
        }
        at = next;
    }
    core->replaying = outer;
    core->at = at_now;
    core->until = until_now;
    core->decision = UNDECIDED;
    bytes_free(&log);
}

/* --- runs of text ---------------------------------------------------------------------------------------------------------------- */

/* A run beside children goes into its own place, or its own row. */
static void put_run(Core *core, Frame *frame, const char *text, size_t size) {
    Node *node = frame->node;
    if (!core->build) return;
    if (node->runs_table >= 0) {
        Table *table = &core->store.tables[node->runs_table];
        table_open_row(table, (int64_t)table_of(core, frame)->opened, (int64_t)frame->runs, begins(core));
        put_text(&core->store, table, table->slot, 0, text, size);
        table_close_row(&core->store, table, begins(core));
    } else {
        put_text(&core->store, table_of(core, frame), frame->slot, (uint32_t)frame->runs - 1, text, size);
        if (core->store.columns > core->store.columns_max) wrong(core);
    }
}

/* The run that ends where a child begins, or where a container ends. */
static void run_ends(Core *core) {
    Frame *frame = top(core);
    const char *text = core->text.data;
    size_t size = core->text.size;
    core->text.size = 0;
    if (core->log_depth) {
        log_event(core, LOG_TEXT, text, size);
        if (count(core, text, size)) frame->runs++;
        return;
    }
    if (!count(core, text, size) || too_large(core, size)) return;
    frame->runs++;
    frame->own++;
    has_text(core, frame->node);
    put_run(core, frame, text, size);
}

/* --- elements ---------------------------------------------------------------------------------------------------------------------- */

static void frames_reserve(Core *core) {
    if (core->depth + 1 < core->frames_room) return;
    core->frames_room *= 2;
    core->frames = must(realloc(core->frames, core->frames_room * sizeof(Frame)));
}

static int by_name(const void *one, const void *other) {
    return strcmp(((const char *const *)one)[0], ((const char *const *)other)[0]);
}

/* Where two attributes may have the same key, their names decide which has it, and not their order. */
static const char **sorted(const char **attributes) {
    size_t count = 0;
    while (attributes[2 * count]) count++;
    const char **copy = must(malloc((2 * count + 1) * sizeof(char *)));
    memcpy(copy, attributes, (2 * count + 1) * sizeof(char *));
    qsort(copy, count, 2 * sizeof(char *), by_name);
    return copy;
}

static void attributes_put(Core *core, Frame *frame, const char **attributes) {
    Node *node = frame->node;
    uint64_t forgotten = core->shape.forgotten;
    Alias *guess = NULL;
    for (; attributes[0]; attributes += 2) {
        if (is_declaration(attributes[0])) continue;
        size_t size = strlen(attributes[1]);
        if (too_large(core, size)) return;
        if (forgotten != core->shape.forgotten) {
            forgotten = core->shape.forgotten;
            guess = NULL;
        }
        Alias *alias = guess = attribute_of(&core->shape, node, frame->scope, attributes[0], guess);
        uint32_t index = (uint32_t)(uintptr_t)alias->meaning;
        Attribute *attribute = node->attributes[index];
        if (attribute->serial == frame->serial) {
            attribute = attribute_apart(&core->shape, node, attribute->key, attributes[0]);
            for (index = 0; node->attributes[index] != attribute;) index++;
        }
        attribute->serial = frame->serial;
        if (!attribute->seen) core->met++;
        attribute->seen = true;
        frame->has_attributes = true;
        frame->nil |= attribute->nil;
        if (count(core, attributes[1], size)) frame->own++;
        if (core->build) put_attribute(&core->store, table_of(core, frame), frame->slot, index, attributes[1], size);
    }
}

/* Find the place of an element that is no part of source. */
static void element_place(Core *core, const Frame *outer, Frame *frame) {
    Node *node = frame->node;
    if (!core->build) return;
    if (node->table < 0 && outer->slot == NULL) {
        wrong(core);
        return;
    }
    if (node->table >= 0) {
        frame->table = node->table;
        frame->row = true;
        Table *table = table_of(core, frame);
        frame->slot = table->slot;
        table_open_row(table, outer->table >= 0 ? (int64_t)table_of(core, outer)->opened : 0, (int64_t)frame->current, begins(core));
    } else {
        frame->table = outer->table;
        frame->slot = slot_child(&core->store, outer->slot, node, frame->current - 1);
        if (core->store.columns > core->store.columns_max) wrong(core);
    }
}

static void element_open(Core *core, const char *name, const char **attributes) {
    frames_reserve(core);
    Frame *outer = top(core), *frame = outer + 1;
    int decision = core->decision;
    core->decision = UNDECIDED;
    Scope *scope = NULL;
    for (const char **at = attributes; at[0] && scope == NULL; at += 2)
        if (is_declaration(at[0])) scope = scope_within(&core->shape, outer->scope, attributes);
    if (core->forgotten != core->shape.forgotten) {
        core->forgotten = core->shape.forgotten;
        for (uint32_t at = 0; at <= core->depth; at++) core->frames[at].child_guess = NULL;
    }
    bool scoped = scope != NULL;
    if (!scoped) scope = outer->scope;
    Alias *alias = child_of(&core->shape, outer->node, scope, name, outer->child_guess);
    if (core->forgotten == core->shape.forgotten) outer->child_guess = alias;
    Node *node = alias->meaning;
    if (core->shape.count > PATHS_MAX) core->trouble = TOO_MANY_PATHS;
    if (node->owner != outer->serial) {
        node->owner = outer->serial;
        node->current = 0;
    }
    frame->node = node;
    frame->scope = scope;
    frame->slot = NULL;
    frame->serial = ++core->serial;
    frame->current = ++node->current;
    frame->table = -1;
    memset(&frame->row, 0, sizeof(Frame) - offsetof(Frame, row));
    frame->plain = decision == PLAIN;
    frame->scoped = scoped;
    if (outer->first == NULL) outer->first = node;
    else if (outer->first != node) outer->several = true;
    outer->has_children = true;
    core->depth++;
    if (core->log_depth == 0 && node->suspect && decision == UNDECIDED) core->log_depth = core->depth;
    if (core->log_depth) {
        frame->log_at = log_start(core, name, attributes);
        (void)count_attributes(core, attributes);
        return;
    }
    if (!node->met) core->met++;
    node->met = true;
    if (outer->node != core->shape.top) is_container(core, outer->node);
    element_place(core, outer, frame);
    if (scope->doubled && attributes[0]) {
        const char **list = sorted(attributes);
        attributes_put(core, frame, list);
        free(list);
    } else {
        attributes_put(core, frame, attributes);
    }
}

static void figures(Node *node, const Frame *frame) {
    node->count++;
    if (frame->current > node->most) node->most = frame->current;
    node->values += frame->own;
}

static void leaf_ends(Core *core, Frame *frame) {
    Node *node = frame->node;
    const char *text = core->text.data;
    size_t size = core->text.size;
    core->text.size = 0;
    if (size == 0) {
        if (!frame->has_attributes) {
            node->empty = true;
            has_text(core, node);
        } else if (!node->known_text) {
            node->skipped_empty = true;
        }
        if (node->known_container || frame->nil || !node->known_text) return;
        node->leafed = true;
        if (core->build) put_text(&core->store, table_of(core, frame), frame->slot, 0, "", 0);
        return;
    }
    if (too_large(core, size)) return;
    bool value = count(core, text, size);
    node->text = true;
    has_text(core, node);
    if (value) {
        frame->own++;
        frame->runs = 1;
    }
    if (node->known_container) {
        if (value) put_run(core, frame, text, size);
    } else {
        node->leafed = true;
        if (core->build) put_text(&core->store, table_of(core, frame), frame->slot, 0, text, size);
    }
    if (frame->runs > node->runs) node->runs = frame->runs;
}

static bool is_mixed(const Core *core, const Frame *frame) {
    return frame->has_children && frame->runs && !frame->records && !frame->plain && core->serial - frame->serial <= WINDOW;
}

/* Records among the children: a second one of its path, of which one at least holds different things. */
static void records_told(Frame *outer, const Frame *frame) {
    if (!frame->has_children) return;
    if (frame->runs == 0 && frame->several) outer->varied = frame->node;
    if (frame->records || (frame->runs == 0 && frame->current > 1 && outer->varied == frame->node)) outer->records = true;
}

static void source_ends(Core *core, Frame *frame) {
    Node *node = frame->node;
    node->source = true;
    if (core->text.size) text_below(core);
    frame->own = core->below_values;
    core->below_values = 0;
    if (!too_large(core, core->deep.text.size) && core->build)
        put_source(&core->store, table_of(core, frame), frame->slot, core->deep.text.data, core->deep.text.size);
    core->deep.text.size = 0;
    core->deep.pending = false;
}

static void element_close(Core *core) {
    if (core->store.too_wide) core->trouble = TOO_MANY_PATHS;
    Frame *frame = top(core), *outer = frame - 1;
    Node *node = frame->node;
    if (core->deep.text.size) {
        source_ends(core, frame);
    } else if (!frame->has_children) {
        leaf_ends(core, frame);
    } else {
        if (core->text.size) run_ends(core);
        if (frame->runs) node->text = true;
        if (frame->runs > node->runs) node->runs = frame->runs;
        if (is_mixed(core, frame)) {
            node->suspect = core->news = true;
            wrong(core);
        }
        records_told(outer, frame);
    }
    figures(node, frame);
    if (frame->row && core->build) table_close_row(&core->store, table_of(core, frame), ends(core));
    frame_drop(frame);
    core->depth--;
}

static void logged_close(Core *core, const char *name) {
    Frame *frame = top(core), *outer = frame - 1;
    if (core->text.size) run_ends(core);
    bool mixed = is_mixed(core, frame), last = core->depth == core->log_depth;
    log_event(core, LOG_END, name, strlen(name) + 1);
    log_decide(core, frame->log_at, mixed ? MIXED : PLAIN);
    if (!mixed) records_told(outer, frame);
    else frame->node->suspect = true;
    frame_drop(frame);
    core->depth--;
    if (!last) return;
    frame->node->current--; /* it comes a second time */
    replay(core, mixed ? MIXED : PLAIN);
}

/* What is logged has grown too long for mixed content: its first element is a container. */
static void window_passed(Core *core) {
    while (core->depth >= core->log_depth) frame_drop(&core->frames[core->depth--]);
    /* It comes a second time. */
    core->frames[core->depth + 1].node->current--;
    replay(core, PLAIN);
}

/* --- the handlers ------------------------------------------------------------------------------------------------------------------- */

/* An element begins that is too deep to be a path. */
static void start_below(Core *core, const char *name, const char **attributes) {
    core->serial++;
    core->too_deep = true;
    if (++core->below > LEVELS_MAX) core->trouble = TOO_MANY_LEVELS;
    top(core)->has_children = true;
    if (core->log_depth) {
        if (core->text.size) run_ends(core);
        log_decide(core, log_start(core, name, attributes), PLAIN);
        (void)count_attributes(core, attributes);
        return;
    }
    core->below_values += top(core)->own;
    top(core)->own = 0;
    if (core->text.size) text_below(core);
    core->below_values += count_attributes(core, attributes);
    source_start(&core->deep, name, attributes);
}

static void stop_below(Core *core, const char *name) {
    core->below--;
    if (core->log_depth) {
        if (core->text.size) run_ends(core);
        log_event(core, LOG_END, name, strlen(name) + 1);
        return;
    }
    if (core->text.size) text_below(core);
    source_end(&core->deep, name);
}

void core_start(Core *core, const char *name, const char **attributes) {
    if (core->trouble) return;
    if (core->below || core->depth == DEPTH) {
        start_below(core, name, attributes);
    } else {
        if (core->text.size) run_ends(core);
        element_open(core, name, attributes);
    }
    if (core->log_depth && core->trouble == FINE &&
        (core->serial - core->frames[core->log_depth].serial > WINDOW || core->log.size > LOG_MAX))
        window_passed(core);
    if (core->deep.text.size > CELL_MAX) core->trouble = CELL_TOO_LARGE;
}

void core_stop(Core *core, const char *name) {
    if (core->trouble) return;
    if (core->depth == 0) core->trouble = NOT_BALANCED;
    else if (core->below) stop_below(core, name);
    else if (core->log_depth) logged_close(core, name);
    else element_close(core);
}

void core_text(Core *core, const char *text, size_t size) {
    if (core->trouble || core->depth == 0) return;
    bytes_add(&core->text, text, size);
    if (core->text.size > CELL_MAX) core->trouble = CELL_TOO_LARGE;
}

/* --- the whole -------------------------------------------------------------------------------------------------------------------------- */

void core_begin(Core *core) {
    *core = (Core){0};
    shape_begin(&core->shape);
    core->frames_room = 64;
    core->frames = must(calloc(core->frames_room, sizeof(Frame)));
    core_restart(core, false, 0);
}

/* Begin a reading: to learn, or to fill so many tables. What is known of paths stays. */
void core_restart(Core *core, bool build, uint32_t tables) {
    while (core->depth > 0) frame_drop(&core->frames[core->depth--]);
    shape_forget_figures(&core->shape, core->news);
    core->news = false;
    store_end(&core->store);
    store_begin(&core->store, tables);
    core->build = build;
    core->dirty = core->too_deep = core->replaying = false;
    core->trouble = FINE;
    core->values = (Tally){0};
    core->met = 0;
    core->below = core->below_values = 0;
    core->log_depth = 0;
    core->text.size = core->log.size = core->deep.text.size = 0;
    core->deep.pending = false;
    core->decision = UNDECIDED;
    core->at = core->until = -1;
    core->serial++;
    core->frames[0] = (Frame){.node = core->shape.top, .scope = core->shape.outermost, .table = -1, .serial = core->serial};
}

void core_end(Core *core) {
    while (core->depth > 0) frame_drop(&core->frames[core->depth--]);
    store_end(&core->store);
    shape_end(&core->shape);
    free(core->frames);
    bytes_free(&core->text);
    bytes_free(&core->log);
    bytes_free(&core->deep.text);
}

/* The document has ended; false when it cannot have. */
bool core_finish(Core *core) {
    if (core->trouble == FINE && core->depth) core->trouble = NOT_BALANCED;
    if (core->trouble == FINE && core->frames[0].first == NULL) core->trouble = NO_ELEMENT;
    return core->trouble == FINE;
}
