/* Tables for Arrow, by its C data interface. */
#ifndef RET_ARROW_H
#define RET_ARROW_H

#include "core.h"
#include <Python.h>

/* The first `rows` rows of a table, as capsules of a schema and an array of strings; they leave the table.
 * Its first columns are `links` of _id, _parent_id (null without `parents`) and _pos; the others are named by number.
 * Both are NULL with an exception set when that fails. */
void arrow_batch(Table *table, size_t rows, int links, int parents, PyObject **schema, PyObject **array);

#endif
