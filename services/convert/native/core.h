/* The conversion core: events of a document become columns of its tables, in one pass.
 *
 * A plain document is scanned here, any other is parsed by expat, or read by somebody else who hands its events over; all
 * meet in the same three handlers. While it is read, a trie learns its paths (shape), and every value goes straight into the column of its
 * path (columns) of the table whose row it stands in. Which paths are rows is told beforehand; whoever tells it looks
 * at what was learned and reads again when it was wrong (ret_convert/native.py).
 *
 * Nothing recurses. All text is UTF-8. Memory that cannot be had ends the process: it is a child that is replaced.
 */
#ifndef RET_CORE_H
#define RET_CORE_H

#include <expat.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 512            /* elements below this level stay whole as source */
#define WINDOW 20000         /* elements inside one that may still turn out to be mixed content */
#define PATHS_MAX 65536      /* different paths of a document */
#define LEVELS_MAX 1000000   /* elements below DEPTH: the parser itself needs memory for each that is open */
#define CELL_MAX (64u << 20) /* bytes of one cell */
#define HELD_MAX (32u << 20) /* bytes of rows that wait: whoever parses is asked to take some */
#define LOG_MAX (16u << 20)  /* bytes of one element that may still turn out to be mixed content */
#define SPARSE_MIN (64u << 20) /* cells from which on a table must not be empty but for ... */
#define SPARSE 128           /* ... one in so many */
#define NAMED 20             /* entities outside that are kept by name */

typedef unsigned __int128 uint128;

/* --- memory.c: bytes that grow, memory that is freed all at once, and a map ------------------------------------- */

typedef struct {
    char *data;
    size_t size, room;
} Bytes;

void *must(void *memory);
void bytes_reserve(Bytes *bytes, size_t more);
/* Most of what is copied are a few bytes, for which a call costs more than the copy: two halves that may overlap. */
static inline void copied(char *to, const char *from, size_t size) {
    if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8), memcpy(&last, from + size - 8, 8);
        memcpy(to, &first, 8), memcpy(to + size - 8, &last, 8);
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4), memcpy(&last, from + size - 4, 4);
        memcpy(to, &first, 4), memcpy(to + size - 4, &last, 4);
    } else if (size) {
        char middle = from[size >> 1], last = from[size - 1];
        to[0] = from[0], to[size >> 1] = middle, to[size - 1] = last;
    }
}
static inline void bytes_add(Bytes *bytes, const void *data, size_t size) {
    if (bytes->size + size > bytes->room) bytes_reserve(bytes, size);
    copied(bytes->data + bytes->size, data, size);
    bytes->size += size;
}
static inline void bytes_char(Bytes *bytes, char one) { bytes_add(bytes, &one, 1); }
static inline void bytes_text(Bytes *bytes, const char *text) { bytes_add(bytes, text, strlen(text)); }
void bytes_free(Bytes *bytes);

typedef struct Block Block;
typedef struct {
    Block *first;
} Arena;

void *arena_take(Arena *arena, size_t size); /* zeroed */
char *arena_copy(Arena *arena, const char *text, size_t size);
void arena_free(Arena *arena);

/* From (owner, number, name) to a pointer. The name is kept by whoever puts it in. */
typedef struct {
    uint64_t hash;
    const void *owner;
    uint64_t number;
    const char *name;
    size_t size;
    void *value;
} Entry;
typedef struct {
    Entry *entries;
    size_t room, used;
} Map;

void *map_find(const Map *map, const void *owner, uint64_t number, const char *name, size_t size);
void map_put(Map *map, const void *owner, uint64_t number, const char *name, size_t size, void *value);
void map_free(Map *map);

/* --- tally.c: the multiset of values, counted (docs/decisions/0008) ---------------------------------------------- */

typedef struct {
    uint64_t count;
    uint128 sum;
} Tally;

/* Cut white space from both ends, as Unicode means it; the size that is left. */
size_t stripped_slowly(const char **text, size_t size);
static inline bool is_plain(char one) { return (unsigned char)one > ' ' && (unsigned char)one < 0x80; }
static inline size_t stripped(const char **text, size_t size) {
    if (size == 0 || (is_plain((*text)[0]) && is_plain((*text)[size - 1]))) return size;
    return stripped_slowly(text, size);
}
static inline bool is_blank(const char *text, size_t size) { return stripped(&text, size) == 0; }
/* Count a value, unless it is blank; whether it was one. */
bool tally_add(Tally *tally, const char *text, size_t size);
/* Count the values in the source of mixed content; false when it is not well-formed. */
bool tally_source(Tally *tally, const char *source, size_t size);

/* --- shape.c: paths, their figures, and namespaces ----------------------------------------------------------------- */

typedef struct Scope Scope;
typedef struct Node Node;
typedef struct Alias Alias;

/* The namespaces in force somewhere; counted references. */
struct Scope {
    Scope *outer;
    uint64_t id;
    uint32_t references;
    uint32_t bound;
    bool doubled; /* two prefixes of one namespace: attributes of one element may have the same key */
    struct {
        char *prefix, *uri;
    } *bindings;
    Bytes declared;
    Scope *inner[16];
    uint32_t inner_next;
    Scope *next_dead;
};

typedef struct {
    char *key, *written;
    bool nil;
    bool seen; /* in this reading */
    uint64_t serial;
} Attribute;

/* An element path. What begins with `known_` outlives a reading; all figures are of this reading. */
struct Node {
    Node *parent;
    char *key, *written;
    uint32_t id, depth, place;
    Node **children;
    uint32_t child_count, child_room;
    Attribute **attributes;
    uint32_t attribute_count, attribute_room;
    bool known_container, known_text, suspect;
    bool met, text, empty, source, leafed, skipped_empty;
    uint64_t count, most, runs, values;
    uint64_t owner, current;
    int32_t table, runs_table;
    Alias *first_child, *first_attribute;
};

/* How a name is written somewhere, and what it means there; `next` is what followed it last time. */
struct Alias {
    const char *name;
    size_t size;
    uint64_t scope;
    void *meaning; /* Node, or Attribute */
    Alias *next;
};

typedef struct {
    Arena paths, aliases;
    Map keys, cache;
    Node **nodes;
    uint32_t count, room;
    Node *top;
    Scope *outermost;
    uint64_t scopes;
    uint64_t attributes;
    uint64_t forgotten; /* how often the aliases were dropped */
} Shape;

void shape_begin(Shape *shape);
void shape_forget_figures(Shape *shape, bool doubtful);
void shape_end(Shape *shape);
Scope *scope_within(Shape *shape, Scope *scope, const char **attributes);
static inline Scope *scope_hold(Scope *scope) {
    scope->references++;
    return scope;
}
void scope_drop(Scope *scope);
bool is_declaration(const char *attribute);
Alias *child_of(Shape *shape, Node *node, Scope *scope, const char *name, Alias *guess);
Alias *attribute_of(Shape *shape, Node *node, Scope *scope, const char *name, Alias *guess);
Attribute *attribute_apart(Shape *shape, Node *node, const char *key, const char *written);

/* --- columns.c: cells in Arrow's form -------------------------------------------------------------------------------- */

typedef struct Slot Slot;
typedef struct Column Column;
typedef struct Table Table;
typedef enum { TEXT_COLUMN, ATTRIBUTE_COLUMN, SOURCE_COLUMN } ColumnKind;

struct Column {
    ColumnKind kind;
    uint32_t id;
    Slot *slot;
    uint32_t attribute; /* or the number of the run of text, from 0 */
    uint32_t rows, nulls, offsets_room;
    int32_t *offsets;
    uint8_t *valid;
    Bytes data;
};

/* Where an element stands in the row of a table: below another one, as the so-many-th of its path. */
struct Slot {
    Node *node;
    Slot *parent;
    uint32_t number; /* from 0 */
    struct Kids {
        Slot **numbered;
        uint32_t count, room;
    } *kids; /* by place of the child path */
    uint32_t kids_room;
    Column **attributes;
    uint32_t attributes_room;
    Column **texts; /* by run */
    uint32_t texts_room;
    Column *source;
};

struct Table {
    Node *node;
    bool of_runs;
    Slot *slot;
    Column **columns;
    uint32_t column_count, column_room;
    uint64_t opened; /* rows */
    uint64_t base;   /* rows that have left */
    uint64_t filled; /* cells */
    bool open;
    size_t held; /* bytes of cells that wait */
    int64_t *parents, *positions, *starts, *ends;
    size_t room;
};

typedef struct {
    Arena slots;
    Table *tables;
    uint32_t count;
    uint32_t columns, columns_max;
    bool full;      /* a table has rows enough to be taken */
    bool too_wide;  /* a table is nearly empty, or a column larger than Arrow's offsets reach */
} Store;

void store_begin(Store *store, uint32_t tables);
void store_end(Store *store);
Slot *slot_child(Store *store, Slot *slot, Node *node, uint64_t number);
void table_open_row(Table *table, int64_t parent, int64_t position, int64_t start);
void table_close_row(Store *store, Table *table, int64_t end);
void column_fill(Column *column, uint32_t rows);  /* nulls up to a row */
void column_renew(Column *column, uint32_t rows); /* room for as many rows as the last time */
void put_text(Store *store, Table *table, Slot *slot, uint32_t run, const char *text, size_t size);
void put_attribute(Store *store, Table *table, Slot *slot, uint32_t index, const char *text, size_t size);
void put_source(Store *store, Table *table, Slot *slot, const char *text, size_t size);

/* --- source.c: the inside of an element as source again ---------------------------------------------------------------- */

typedef struct {
    Bytes text;
    bool pending; /* whether a tag is still open */
} Source;

void source_start(Source *source, const char *name, const char **attributes);
void source_end(Source *source, const char *name);
void source_text(Source *source, const char *text, size_t size);

/* --- events.c: the three handlers ----------------------------------------------------------------------------------------- */

typedef enum { FINE, TOO_MANY_PATHS, TOO_MANY_LEVELS, CELL_TOO_LARGE, NOT_BALANCED, NO_ELEMENT } Trouble;

typedef struct {
    Node *node;
    Scope *scope;
    Slot *slot;
    uint64_t serial, current;
    size_t log_at;
    int32_t table;
    /* Nothing of an element that has just begun: */
    bool row, has_children, several, records, has_attributes, nil, plain, scoped;
    uint64_t runs, own;
    Node *first, *varied; /* the first child; the last one that holds different things */
    Alias *child_guess;
} Frame;

typedef struct Parse Parse;

typedef struct Core {
    Shape shape;
    Store store;
    bool build, dirty, news; /* `news`: of mixed content that was not expected */
    Trouble trouble;
    Tally values;
    bool too_deep;
    uint64_t serial, forgotten;
    uint64_t met; /* paths and attributes that have come in this reading */
    Frame *frames;
    uint32_t depth, frames_room;
    Bytes text;
    uint64_t below, below_values;
    Source deep;
    Bytes log;
    uint32_t log_depth; /* of the frame with which the log begins; 0 is no log */
    bool replaying;
    int decision;
    int64_t at, until; /* bytes of the document: where the event in hand begins and ends; -1 is nowhere */
    Parse *parse;      /* it is asked for them where expat reads */
} Core;

void core_begin(Core *core);
void core_restart(Core *core, bool build, uint32_t tables);
void core_end(Core *core);
void core_start(Core *core, const char *name, const char **attributes);
void core_stop(Core *core, const char *name);
void core_text(Core *core, const char *text, size_t size);
bool core_finish(Core *core);

/* --- scan.c: plain documents, without expat ---------------------------------------------------------------------------------- */

/* An attribute in the bytes in hand; its value `differs` where it is not meant as it is written. */
typedef struct {
    char *name, *value;
    size_t name_size, value_size;
    bool differs;
} Span;

/* READS is for the inside: it goes on. */
typedef enum { SCAN_READS, SCAN_WAITS, SCAN_PAUSED, SCAN_ENDED, SCAN_FAILED, SCAN_ODD } Scanned;

typedef struct {
    Core *core;
    Bytes bytes;  /* in hand, and zeros behind them */
    char *at;     /* how far they are read */
    int64_t base; /* where in the document they begin */
    bool begun, rooted, last;
    bool known; /* that it is UTF-8, whatever it declares */
    Bytes names; /* of the elements that are open, each with a NUL behind it */
    size_t *sizes;
    size_t depth, depth_room;
    Span *spans;
    const char **attributes;
    size_t room;
    uint64_t tags, met[1024]; /* a sieve for names that come twice: in which tag the last one of its kind came */
} Scan;

void scan_begin(Scan *scan, Core *core, bool known);
void scan_free(Scan *scan);
void scan_add(Scan *scan, const char *data, size_t size, bool last);
/* Read what was added. SCAN_ODD hands the document over to expat: before the root has begun nothing was given yet. */
Scanned scan_on(Scan *scan);

/* --- parse.c: a document, by the scanner or by expat --------------------------------------------------------------------------- */

struct Parse {
    XML_Parser parser;
    Core *core;
    Scan *scan; /* NULL where expat reads */
    int encoding[256];
    bool has_encoding;
    bool bomb, watching, paused;
    bool unplain; /* expat must read it again from its beginning */
    uint64_t fed, characters;
    bool counts_characters;
    Map entities;
    Arena names;
    Bytes outside; /* names, each with a NUL behind it */
    uint32_t outside_count, outside_named;
};

Parse *parse_new(Core *core, const char *encoding, const int *table, bool plain);
void parse_free(Parse *parse);
bool parse_feed(Parse *parse, const char *data, size_t size, bool last);
bool parse_resume(Parse *parse);

#endif
