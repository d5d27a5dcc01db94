/* Cells in Arrow's form: one string column for each place in a table's row, nulls filled in when a later cell comes. */
#include "core.h"

void store_begin(Store *store, uint32_t tables) {
    uint32_t columns_max = store->columns_max;
    *store = (Store){0};
    store->columns_max = columns_max;
    store->count = tables;
    store->tables = must(calloc(tables ? tables : 1, sizeof(Table)));
    for (uint32_t at = 0; at < tables; at++) store->tables[at].slot = arena_take(&store->slots, sizeof(Slot));
}

static void slot_free(Slot *slot) {
    for (uint32_t place = 0; place < slot->kids_room; place++) free(slot->kids[place].numbered);
    free(slot->kids);
    free(slot->attributes);
    free(slot->texts);
}

/* Slots are freed from the leaves on: nesting may be deep, and nothing recurses. */
static void slots_free(Slot *root) {
    Slot *at = root;
    while (at) {
        Slot *kid = NULL;
        for (uint32_t place = at->kids_room; place-- > 0 && kid == NULL;) {
            struct Kids *kids = &at->kids[place];
            while (kids->count && kid == NULL) kid = kids->numbered[--kids->count];
            if (kid == NULL) {
                free(kids->numbered);
                kids->numbered = NULL;
                at->kids_room = place;
            }
        }
        if (kid) {
            at = kid;
            continue;
        }
        Slot *parent = at == root ? NULL : at->parent;
        slot_free(at);
        at = parent;
    }
}

void store_end(Store *store) {
    for (uint32_t at = 0; at < store->count; at++) {
        Table *table = &store->tables[at];
        for (uint32_t of = 0; of < table->column_count; of++) {
            Column *column = table->columns[of];
            free(column->offsets);
            free(column->valid);
            bytes_free(&column->data);
            free(column);
        }
        free(table->columns);
        free(table->parents);
        free(table->positions);
        free(table->starts);
        free(table->ends);
        slots_free(table->slot);
    }
    free(store->tables);
    arena_free(&store->slots);
    store->tables = NULL;
    store->count = 0;
}

Slot *slot_child(Store *store, Slot *slot, Node *node, uint64_t number) {
    if (node->place >= slot->kids_room) {
        uint32_t room = slot->kids_room ? slot->kids_room : 4;
        while (room <= node->place) room *= 2;
        slot->kids = must(realloc(slot->kids, room * sizeof *slot->kids));
        memset(slot->kids + slot->kids_room, 0, (room - slot->kids_room) * sizeof *slot->kids);
        slot->kids_room = room;
    }
    struct Kids *kids = &slot->kids[node->place];
    while (number >= kids->count) {
        if (kids->count == kids->room) {
            kids->room = kids->room ? kids->room * 2 : 1;
            kids->numbered = must(realloc(kids->numbered, kids->room * sizeof(Slot *)));
        }
        Slot *made = arena_take(&store->slots, sizeof(Slot));
        made->node = node;
        made->parent = slot;
        made->number = kids->count;
        kids->numbered[kids->count++] = made;
    }
    return kids->numbered[number];
}

void table_open_row(Table *table, int64_t parent, int64_t position, int64_t start) {
    size_t at = (size_t)(table->opened - table->base);
    if (at >= table->room) {
        table->room = table->room ? table->room * 2 : 64;
        table->parents = must(realloc(table->parents, table->room * sizeof(int64_t)));
        table->positions = must(realloc(table->positions, table->room * sizeof(int64_t)));
        table->starts = must(realloc(table->starts, table->room * sizeof(int64_t)));
        table->ends = must(realloc(table->ends, table->room * sizeof(int64_t)));
    }
    table->parents[at] = parent;
    table->positions[at] = position;
    table->starts[at] = start;
    table->ends[at] = -1;
    table->opened++;
    table->open = true;
    table->held += 32 + 4 * (size_t)table->column_count;
}

void table_close_row(Store *store, Table *table, int64_t end) {
    table->ends[table->opened - table->base - 1] = end;
    table->open = false;
    if (table->held > HELD_MAX) store->full = true;
    uint64_t cells = table->opened * table->column_count;
    if (cells > SPARSE_MIN && table->filled * SPARSE < cells) store->too_wide = true;
}

static Column *column_new(Store *store, Table *table, ColumnKind kind, Slot *slot, uint32_t attribute) {
    Column *column = must(calloc(1, sizeof(Column)));
    column->kind = kind;
    column->id = table->column_count;
    column->slot = slot;
    column->attribute = attribute;
    if (table->column_count == table->column_room) {
        table->column_room = table->column_room ? table->column_room * 2 : 16;
        table->columns = must(realloc(table->columns, table->column_room * sizeof(Column *)));
    }
    table->columns[table->column_count++] = column;
    store->columns++;
    table->held += 4 * (size_t)(table->opened - table->base); /* a cell in each row that waits */
    return column;
}

static void rows_reserve(Column *column, uint32_t rows) {
    if (rows + 1 <= column->offsets_room) return;
    uint32_t old = column->offsets_room, room = old ? old : 64;
    while (room < rows + 1) room *= 2;
    column->offsets = must(realloc(column->offsets, room * sizeof(int32_t)));
    column->valid = must(realloc(column->valid, room / 8));
    memset(column->valid + old / 8, 0, room / 8 - old / 8);
    if (old == 0) column->offsets[0] = 0;
    column->offsets_room = room;
}

void column_fill(Column *column, uint32_t rows) {
    if (column->rows >= rows && column->offsets) return;
    rows_reserve(column, rows);
    int32_t end = column->offsets[column->rows];
    column->nulls += rows - column->rows;
    for (uint32_t row = column->rows; row < rows; row++) column->offsets[row + 1] = end;
    column->rows = rows;
}

void column_renew(Column *column, uint32_t rows) { rows_reserve(column, rows); }

static void put(Store *store, Table *table, Column *column, const char *text, size_t size) {
    uint32_t row = (uint32_t)(table->opened - table->base - 1);
    if (column->rows < row) column_fill(column, row);
    if (column->rows > row) return; /* a place is filled once: its path, number and row are one element's */
    if (column->data.size + size > INT32_MAX) {
        store->too_wide = true;
        return;
    }
    rows_reserve(column, row + 1);
    bytes_add(&column->data, text, size);
    table->filled++;
    column->valid[row >> 3] |= (uint8_t)(1u << (row & 7));
    column->offsets[row + 1] = (int32_t)column->data.size;
    column->rows = row + 1;
    table->held += size;
}

static void columns_reserve(Column ***columns, uint32_t *room, uint32_t index) {
    if (index < *room) return;
    uint32_t wanted = *room ? *room : 2;
    while (wanted <= index) wanted *= 2;
    *columns = must(realloc(*columns, wanted * sizeof(Column *)));
    memset(*columns + *room, 0, (wanted - *room) * sizeof(Column *));
    *room = wanted;
}

void put_text(Store *store, Table *table, Slot *slot, uint32_t run, const char *text, size_t size) {
    columns_reserve(&slot->texts, &slot->texts_room, run);
    if (slot->texts[run] == NULL) slot->texts[run] = column_new(store, table, TEXT_COLUMN, slot, run);
    put(store, table, slot->texts[run], text, size);
}

void put_attribute(Store *store, Table *table, Slot *slot, uint32_t index, const char *text, size_t size) {
    columns_reserve(&slot->attributes, &slot->attributes_room, index);
    if (slot->attributes[index] == NULL) slot->attributes[index] = column_new(store, table, ATTRIBUTE_COLUMN, slot, index);
    put(store, table, slot->attributes[index], text, size);
}

void put_source(Store *store, Table *table, Slot *slot, const char *text, size_t size) {
    if (slot->source == NULL) slot->source = column_new(store, table, SOURCE_COLUMN, slot, 0);
    put(store, table, slot->source, text, size);
}
