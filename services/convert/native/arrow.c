/* Tables for Arrow: buffers change hands, nothing is copied but the cells of a row that has not ended yet.
 * (Structures and their rules: the Arrow C data interface, a part of the Arrow columnar format.) */
#include "arrow.h"
#include <stdio.h>

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#define NULLABLE 2

static void schema_release(struct ArrowSchema *schema) {
    for (int64_t at = 0; at < schema->n_children; at++) {
        if (schema->children[at]->release) schema->children[at]->release(schema->children[at]);
        free(schema->children[at]);
    }
    free(schema->children);
    free((void *)schema->name);
    schema->release = NULL;
}

static void array_release(struct ArrowArray *array) {
    for (int64_t at = 0; at < array->n_children; at++) {
        if (array->children[at]->release) array->children[at]->release(array->children[at]);
        free(array->children[at]);
    }
    free(array->children);
    for (int64_t at = 0; at < array->n_buffers; at++) free((void *)array->buffers[at]);
    free(array->buffers);
    array->release = NULL;
}

static struct ArrowSchema *schema_new(const char *format, const char *name, int64_t children) {
    struct ArrowSchema *schema = must(calloc(1, sizeof *schema));
    schema->format = format;
    schema->name = must(strdup(name));
    schema->flags = children ? 0 : NULLABLE;
    schema->n_children = children;
    schema->children = must(calloc(children ? (size_t)children : 1, sizeof *schema->children));
    schema->release = schema_release;
    return schema;
}

static struct ArrowArray *array_new(int64_t rows, int64_t buffers, int64_t children) {
    struct ArrowArray *array = must(calloc(1, sizeof *array));
    array->length = rows;
    array->n_buffers = buffers;
    array->buffers = must(calloc((size_t)buffers, sizeof *array->buffers));
    array->n_children = children;
    array->children = must(calloc(children ? (size_t)children : 1, sizeof *array->children));
    array->release = array_release;
    return array;
}

/* A column's first rows. A cell of the row behind them stays. */
static struct ArrowArray *column_taken(Column *column, uint32_t rows) {
    struct ArrowArray *array = array_new(rows, 3, 0);
    bool carries = column->rows > rows;
    int32_t end = column->offsets[rows];
    Bytes carried = {0};
    if (carries) {
        bytes_add(&carried, column->data.data + end, column->data.size - (size_t)end);
        bytes_reserve(&carried, 1);
    }
    array->null_count = column->nulls;
    if (column->nulls) array->buffers[0] = column->valid;
    else free(column->valid);
    bytes_reserve(&column->data, 1); /* an empty buffer is one, too */
    array->buffers[1] = column->offsets;
    array->buffers[2] = column->data.data;
    column->valid = NULL;
    column->offsets = NULL;
    column->offsets_room = 0;
    column->rows = column->nulls = 0;
    column->data = carried;
    column_renew(column, rows);
    if (carries) {
        column->offsets[1] = (int32_t)carried.size;
        column->valid[0] = 1;
        column->rows = 1;
    }
    return array;
}

/* Numbers as text; those below 0 are null. */
static struct ArrowArray *numbers(const int64_t *values, int64_t from, size_t rows, bool none) {
    struct ArrowArray *array = array_new((int64_t)rows, 3, 0);
    int32_t *offsets = must(malloc((rows + 1) * sizeof(int32_t)));
    uint8_t *valid = must(calloc(rows / 8 + 1, 1));
    char *data = must(malloc(rows * 20 + 1));
    size_t size = 0;
    offsets[0] = 0;
    for (size_t row = 0; row < rows; row++) {
        int64_t value = values ? values[row] : from + (int64_t)row;
        if (none || value <= 0) array->null_count++;
        else {
            char digits[20];
            int at = 20;
            for (; value; value /= 10) digits[--at] = (char)('0' + value % 10);
            memcpy(data + size, digits + at, (size_t)(20 - at));
            size += (size_t)(20 - at);
            valid[row >> 3] |= (uint8_t)(1u << (row & 7));
        }
        offsets[row + 1] = (int32_t)size;
    }
    array->buffers[0] = valid;
    array->buffers[1] = offsets;
    array->buffers[2] = data;
    return array;
}

static void schema_dropped(PyObject *capsule) {
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release) schema->release(schema);
    free(schema);
}

static void array_dropped(PyObject *capsule) {
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array->release) array->release(array);
    free(array);
}

/* The rows that have not ended go to the beginning. */
static void rows_kept(Table *table, size_t rows) {
    size_t left = (size_t)(table->opened - table->base) - rows;
    int64_t *lists[] = {table->parents, table->positions, table->starts, table->ends};
    for (size_t at = 0; at < 4 && left; at++) memmove(lists[at], lists[at] + rows, left * sizeof(int64_t));
    table->base += rows;
    table->held = left * 32;
}

void arrow_batch(Table *table, size_t rows, int links, int parents, PyObject **schema_out, PyObject **array_out) {
    static const char *const names[] = {"_id", "_parent_id", "_pos"};
    int64_t count = (int64_t)links + table->column_count;
    struct ArrowSchema *schema = schema_new("+s", "", count);
    struct ArrowArray *array = array_new((int64_t)rows, 1, count);
    for (int at = 0; at < links; at++) {
        schema->children[at] = schema_new("u", names[at], 0);
        const int64_t *values = at == 0 ? NULL : at == 1 ? table->parents : table->positions;
        array->children[at] = numbers(values, (int64_t)table->base + 1, rows, at == 1 && !parents);
    }
    for (uint32_t at = 0; at < table->column_count; at++) {
        char name[16];
        snprintf(name, sizeof name, "%u", at);
        schema->children[links + at] = schema_new("u", name, 0);
        column_fill(table->columns[at], (uint32_t)rows);
        array->children[links + at] = column_taken(table->columns[at], (uint32_t)rows);
    }
    rows_kept(table, rows);
    *schema_out = PyCapsule_New(schema, "arrow_schema", schema_dropped);
    if (*schema_out == NULL) {
        schema->release(schema);
        free(schema);
    }
    *array_out = PyCapsule_New(array, "arrow_array", array_dropped);
    if (*array_out == NULL) {
        array->release(array);
        free(array);
    }
}
