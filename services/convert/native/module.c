/* The core for Python: `ret_convert._core`. Its promises stand in ret_convert/_core.pyi. */
#define PY_SSIZE_T_CLEAN
#include "arrow.h"
#include "core.h"
#include <Python.h>

typedef struct {
    PyObject_HEAD
    Core core;
    bool begun, failed, last;
} CoreObject;

static PyObject *core_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    if (PyTuple_GET_SIZE(arguments) || (named && PyDict_GET_SIZE(named))) {
        PyErr_SetString(PyExc_TypeError, "Core takes no arguments");
        return NULL;
    }
    CoreObject *self = (CoreObject *)type->tp_alloc(type, 0);
    if (self) {
        core_begin(&self->core);
        self->begun = true;
    }
    return (PyObject *)self;
}

static void parse_drop(CoreObject *self) {
    if (self->core.parse) parse_free(self->core.parse);
    self->core.parse = NULL;
}

static void core_dealloc(CoreObject *self) {
    if (self->begun) {
        parse_drop(self);
        core_end(&self->core);
    }
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* restart(rows: Sequence[tuple[int, bool]] | None, columns_max: int) */
static PyObject *core_restart_of(CoreObject *self, PyObject *arguments) {
    PyObject *rows;
    unsigned long columns_max;
    if (!PyArg_ParseTuple(arguments, "Ok", &rows, &columns_max)) return NULL;
    parse_drop(self);
    self->failed = false;
    Core *core = &self->core;
    core->store.columns_max = (uint32_t)columns_max;
    if (rows == Py_None) {
        core_restart(core, false, 0);
        Py_RETURN_NONE;
    }
    PyObject *list = PySequence_Fast(rows, "rows are a sequence");
    if (list == NULL) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(list);
    core_restart(core, true, (uint32_t)count);
    for (Py_ssize_t at = 0; at < count; at++) {
        unsigned int id;
        int of_runs;
        if (!PyArg_ParseTuple(PySequence_Fast_GET_ITEM(list, at), "Ip", &id, &of_runs) || id >= core->shape.count) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "there is no such path");
            Py_DECREF(list);
            return NULL;
        }
        Table *table = &core->store.tables[at];
        table->node = table->slot->node = core->shape.nodes[id];
        table->of_runs = of_runs;
        if (of_runs) table->node->runs_table = (int32_t)at;
        else table->node->table = (int32_t)at;
    }
    Py_DECREF(list);
    Py_RETURN_NONE;
}

/* open(encoding: str | None, table: Sequence[int] | None, *, plain: bool) */
static PyObject *core_open(CoreObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"", "", "plain", NULL};
    const char *encoding;
    PyObject *table;
    int plain;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "zO$p", names, &encoding, &table, &plain)) return NULL;
    int bytes[256];
    if (table != Py_None) {
        PyObject *list = PySequence_Fast(table, "the table of an encoding is a sequence");
        if (list == NULL) return NULL;
        if (PySequence_Fast_GET_SIZE(list) != 256) {
            Py_DECREF(list);
            PyErr_SetString(PyExc_ValueError, "the table of an encoding has 256 entries");
            return NULL;
        }
        for (int at = 0; at < 256; at++) bytes[at] = (int)PyLong_AsLong(PySequence_Fast_GET_ITEM(list, at));
        Py_DECREF(list);
        if (PyErr_Occurred()) return NULL;
    }
    parse_drop(self);
    self->core.parse = parse_new(&self->core, encoding, table == Py_None ? NULL : bytes, plain);
    Py_RETURN_NONE;
}

/* feed(data: Buffer, *, last: bool) -> bool */
static PyObject *core_feed(CoreObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"", "last", NULL};
    Py_buffer data;
    int last;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "y*$p", names, &data, &last)) return NULL;
    if (self->core.parse == NULL || self->failed || data.len > INT32_MAX) {
        PyBuffer_Release(&data);
        PyErr_SetString(PyExc_ValueError, "nothing is open, or it has failed, or this is too much at once");
        return NULL;
    }
    bool good;
    Py_BEGIN_ALLOW_THREADS
    good = parse_feed(self->core.parse, data.buf, (size_t)data.len, last);
    if (good && last && !self->core.parse->paused) good = core_finish(&self->core);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&data);
    self->last = last;
    self->failed = !good;
    return PyBool_FromLong(good);
}

/* resume() -> bool */
static PyObject *core_resume(CoreObject *self, PyObject *nothing) {
    (void)nothing;
    if (self->core.parse == NULL || self->failed || !self->core.parse->paused) {
        PyErr_SetString(PyExc_ValueError, "nothing has paused");
        return NULL;
    }
    bool good;
    Py_BEGIN_ALLOW_THREADS
    self->core.store.full = false;
    good = parse_resume(self->core.parse);
    if (good && self->last && !self->core.parse->paused) good = core_finish(&self->core);
    Py_END_ALLOW_THREADS
    self->failed = !good;
    return PyBool_FromLong(good);
}

/* start(name: str, attributes: Mapping[str, str]) */
static PyObject *core_start_of(CoreObject *self, PyObject *arguments) {
    const char *name;
    PyObject *attributes;
    if (!PyArg_ParseTuple(arguments, "sO!", &name, &PyDict_Type, &attributes)) return NULL;
    Py_ssize_t count = PyDict_GET_SIZE(attributes), place = 0, at = 0;
    const char **list = must(calloc(2 * (size_t)count + 1, sizeof(char *)));
    PyObject *key, *value;
    bool good = true;
    while (good && PyDict_Next(attributes, &place, &key, &value)) {
        Py_ssize_t size = 0;
        list[at] = PyUnicode_AsUTF8(key);
        list[at + 1] = PyUnicode_AsUTF8AndSize(value, &size);
        good = list[at] && list[at + 1];
        if (good && strlen(list[at + 1]) != (size_t)size) {
            PyErr_SetString(PyExc_ValueError, "an attribute's value holds a NUL");
            good = false;
        }
        at += 2;
    }
    if (good) core_start(&self->core, name, list);
    free(list);
    if (!good) return NULL;
    Py_RETURN_NONE;
}

static PyObject *core_end_of(CoreObject *self, PyObject *argument) {
    const char *name = PyUnicode_AsUTF8(argument);
    if (name == NULL) return NULL;
    core_stop(&self->core, name);
    Py_RETURN_NONE;
}

static PyObject *core_text_of(CoreObject *self, PyObject *argument) {
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(argument, &size);
    if (text == NULL) return NULL;
    core_text(&self->core, text, (size_t)size);
    Py_RETURN_NONE;
}

static PyObject *core_finish_of(CoreObject *self, PyObject *nothing) {
    (void)nothing;
    return PyBool_FromLong(core_finish(&self->core));
}

/* failure() -> tuple[str, int, int, str]: its kind, line, column, and expat's words */
static PyObject *core_failure(CoreObject *self, PyObject *nothing) {
    (void)nothing;
    static const char *const kinds[] = {"", "paths", "levels", "cell", "unbalanced", "empty"};
    Parse *parse = self->core.parse;
    const char *kind = kinds[self->core.trouble], *words = "";
    unsigned long line = 0, column = 0;
    if (parse) {
        enum XML_Error error = XML_GetErrorCode(parse->parser);
        line = XML_GetCurrentLineNumber(parse->parser);
        column = XML_GetCurrentColumnNumber(parse->parser) + 1;
        if (parse->unplain) kind = "unplain";
        else if (parse->bomb || error == XML_ERROR_AMPLIFICATION_LIMIT_BREACH) kind = "bomb";
        else if (*kind == '\0' && error != XML_ERROR_NONE) {
            kind = "malformed";
            words = XML_ErrorString(error);
        }
    }
    return Py_BuildValue("skks", kind, line, column, words ? words : "unknown error");
}

static PyObject *attributes_listed(const Node *node) {
    PyObject *list = PyList_New(0);
    for (uint32_t at = 0; list && at < node->attribute_count; at++) {
        const Attribute *one = node->attributes[at];
        if (!one->seen) continue;
        PyObject *entry = Py_BuildValue("Iss", at, one->key, one->written);
        if (entry == NULL || PyList_Append(list, entry)) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

static PyObject *path_listed(const Node *node) {
    PyObject *attributes = attributes_listed(node);
    if (attributes == NULL) return NULL;
    return Py_BuildValue("isskkkOOOkN", node->parent ? (int)node->parent->id : -1, node->key, node->written,
                         (unsigned long)node->count, (unsigned long)node->most, (unsigned long)node->runs,
                         node->text ? Py_True : Py_False, node->empty ? Py_True : Py_False,
                         node->source ? Py_True : Py_False, (unsigned long)node->values, attributes);
}

/* paths() -> list[tuple[...]]: every path by its number, parents before children; see ret_convert/_core.pyi */
static PyObject *core_paths(CoreObject *self, PyObject *nothing) {
    (void)nothing;
    Core *core = &self->core;
    /* In the middle of a document, elements that are open count as well. */
    uint32_t open = core->log_depth ? core->log_depth - 1 : core->depth;
    struct {
        uint64_t most, runs;
        bool text;
    } closed[DEPTH + 1];
    for (uint32_t at = 1; at <= open; at++) {
        const Frame *frame = &core->frames[at];
        Node *node = frame->node;
        closed[at].most = node->most, closed[at].runs = node->runs, closed[at].text = node->text;
        node->count++;
        node->values += frame->own;
        if (frame->current > node->most) node->most = frame->current;
        if (frame->runs > node->runs) node->runs = frame->runs;
        if (frame->runs) node->text = true;
    }
    PyObject *list = PyList_New(0);
    for (uint32_t at = 0; list && at < core->shape.count; at++) {
        PyObject *entry = path_listed(core->shape.nodes[at]);
        if (entry == NULL || PyList_Append(list, entry)) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    for (uint32_t at = open; at > 0; at--) {
        const Frame *frame = &core->frames[at];
        Node *node = frame->node;
        node->most = closed[at].most, node->runs = closed[at].runs, node->text = closed[at].text;
        node->count--;
        node->values -= frame->own;
    }
    return list;
}

static Table *table_at(CoreObject *self, PyObject *argument) {
    long at = PyLong_AsLong(argument);
    if (at < 0 || at >= (long)self->core.store.count) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "there is no such table");
        return NULL;
    }
    return &self->core.store.tables[at];
}

/* held(table: int) -> tuple[int, int]: rows that have ended and wait, and the bytes of their cells */
static PyObject *core_held(CoreObject *self, PyObject *argument) {
    const Table *table = table_at(self, argument);
    if (table == NULL) return NULL;
    return Py_BuildValue("kk", (unsigned long)(table->opened - table->base - table->open), (unsigned long)table->held);
}

/* columns(table: int) -> list[tuple[str, int, list[tuple[int, int]]]]: kind, attribute or run, and the way to the slot */
static PyObject *core_columns(CoreObject *self, PyObject *argument) {
    static const char *const kinds[] = {"text", "attribute", "source"};
    const Table *table = table_at(self, argument);
    if (table == NULL) return NULL;
    PyObject *list = PyList_New(0);
    for (uint32_t at = 0; list && at < table->column_count; at++) {
        const Column *column = table->columns[at];
        PyObject *way = PyList_New(0);
        for (const Slot *slot = column->slot; way && slot->parent; slot = slot->parent) {
            PyObject *step = Py_BuildValue("II", slot->node->id, slot->number);
            if (step == NULL || PyList_Insert(way, 0, step)) Py_CLEAR(way);
            Py_XDECREF(step);
        }
        PyObject *entry = way ? Py_BuildValue("sIN", kinds[column->kind], column->attribute, way) : NULL;
        if (entry == NULL || PyList_Append(list, entry)) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

/* take(table: int, links: int, parents: bool) -> (rows, schema, array, starts, ends) */
static PyObject *core_take(CoreObject *self, PyObject *arguments) {
    PyObject *number;
    int links, parents;
    if (!PyArg_ParseTuple(arguments, "Oip", &number, &links, &parents)) return NULL;
    Table *table = table_at(self, number);
    if (table == NULL) return NULL;
    size_t rows = (size_t)(table->opened - table->base) - table->open;
    PyObject *starts = PyBytes_FromStringAndSize((const char *)table->starts, (Py_ssize_t)(rows * sizeof(int64_t)));
    PyObject *ends = PyBytes_FromStringAndSize((const char *)table->ends, (Py_ssize_t)(rows * sizeof(int64_t)));
    PyObject *schema = NULL, *array = NULL;
    if (starts && ends) arrow_batch(table, rows, links, parents, &schema, &array);
    if (schema == NULL || array == NULL || starts == NULL || ends == NULL) {
        Py_XDECREF(starts);
        Py_XDECREF(ends);
        Py_XDECREF(schema);
        Py_XDECREF(array);
        return NULL;
    }
    return Py_BuildValue("nNNNN", (Py_ssize_t)rows, schema, array, starts, ends);
}

static PyObject *number_of(uint128 sum) {
    unsigned char bytes[16];
    for (int at = 0; at < 16; at++) bytes[at] = (unsigned char)(sum >> (8 * at));
    return _PyLong_FromByteArray(bytes, sizeof bytes, 1, 0);
}

static PyObject *core_values(CoreObject *self, void *closure) {
    (void)closure;
    return Py_BuildValue("kN", (unsigned long)self->core.values.count, number_of(self->core.values.sum));
}

static PyObject *core_outside(CoreObject *self, void *closure) {
    (void)closure;
    PyObject *names = PyList_New(0);
    const Parse *parse = self->core.parse;
    if (parse == NULL) return Py_BuildValue("Nk", names, 0ul);
    for (const char *at = parse->outside.data, *end = at + parse->outside.size; names && at < end; at += strlen(at) + 1) {
        PyObject *name = PyUnicode_DecodeUTF8(at, (Py_ssize_t)strlen(at), "replace");
        if (name == NULL || PyList_Append(names, name)) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names ? Py_BuildValue("Nk", names, (unsigned long)parse->outside_count) : NULL;
}

static PyObject *core_dirty(CoreObject *self, void *closure) {
    (void)closure;
    return PyBool_FromLong(self->core.dirty);
}

static PyObject *core_paused(CoreObject *self, void *closure) {
    (void)closure;
    return PyBool_FromLong(self->core.parse != NULL && self->core.parse->paused);
}

static PyObject *core_scanned(CoreObject *self, void *closure) {
    (void)closure;
    return PyBool_FromLong(self->core.parse != NULL && self->core.parse->scan != NULL);
}

static PyObject *core_news(CoreObject *self, void *closure) {
    (void)closure;
    return PyBool_FromLong(self->core.news);
}

static PyObject *core_too_deep(CoreObject *self, void *closure) {
    (void)closure;
    return PyBool_FromLong(self->core.too_deep);
}

static PyObject *core_met(CoreObject *self, void *closure) {
    (void)closure;
    return PyLong_FromUnsignedLongLong(self->core.met);
}

static PyObject *core_names(CoreObject *self, void *closure) {
    (void)closure;
    return PyLong_FromUnsignedLong(self->core.shape.count + self->core.shape.attributes);
}

/* tally(offsets: Buffer, data: Buffer, first: int, rows: int, source: bool) -> tuple[int, int] */
static PyObject *tally_of(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer offsets, data;
    Py_ssize_t first, rows;
    int source;
    if (!PyArg_ParseTuple(arguments, "y*y*nnp", &offsets, &data, &first, &rows, &source)) return NULL;
    Tally tally = {0};
    bool good = first >= 0 && rows >= 0 && offsets.len >= (Py_ssize_t)((size_t)(first + rows + 1) * sizeof(int32_t));
    if (good) {
        Py_BEGIN_ALLOW_THREADS
        const int32_t *at = (const int32_t *)offsets.buf + first;
        for (Py_ssize_t row = 0; good && row < rows; row++) {
            good = at[row] >= 0 && at[row] <= at[row + 1] && at[row + 1] <= data.len;
            if (!good || at[row] == at[row + 1]) continue;
            const char *text = (const char *)data.buf + at[row];
            size_t size = (size_t)(at[row + 1] - at[row]);
            if (source) good = tally_source(&tally, text, size);
            else tally_add(&tally, text, size);
        }
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&offsets);
    PyBuffer_Release(&data);
    if (!good) {
        PyErr_SetString(PyExc_ValueError, "these are no cells");
        return NULL;
    }
    return Py_BuildValue("kN", (unsigned long)tally.count, number_of(tally.sum));
}

static PyMethodDef core_methods[] = {
    {"restart", (PyCFunction)core_restart_of, METH_VARARGS, NULL},
    {"open", (PyCFunction)(void (*)(void))core_open, METH_VARARGS | METH_KEYWORDS, NULL},
    {"feed", (PyCFunction)(void (*)(void))core_feed, METH_VARARGS | METH_KEYWORDS, NULL},
    {"resume", (PyCFunction)core_resume, METH_NOARGS, NULL},
    {"start", (PyCFunction)core_start_of, METH_VARARGS, NULL},
    {"text", (PyCFunction)core_text_of, METH_O, NULL},
    {"end", (PyCFunction)core_end_of, METH_O, NULL},
    {"finish", (PyCFunction)core_finish_of, METH_NOARGS, NULL},
    {"failure", (PyCFunction)core_failure, METH_NOARGS, NULL},
    {"paths", (PyCFunction)core_paths, METH_NOARGS, NULL},
    {"held", (PyCFunction)core_held, METH_O, NULL},
    {"columns", (PyCFunction)core_columns, METH_O, NULL},
    {"take", (PyCFunction)core_take, METH_VARARGS, NULL},
    {0},
};

static PyGetSetDef core_values_of[] = {
    {"values", (getter)core_values, NULL, NULL, NULL},
    {"outside", (getter)core_outside, NULL, NULL, NULL},
    {"dirty", (getter)core_dirty, NULL, NULL, NULL},
    {"paused", (getter)core_paused, NULL, NULL, NULL},
    {"scanned", (getter)core_scanned, NULL, NULL, NULL},
    {"news", (getter)core_news, NULL, NULL, NULL},
    {"too_deep", (getter)core_too_deep, NULL, NULL, NULL},
    {"met", (getter)core_met, NULL, NULL, NULL},
    {"names", (getter)core_names, NULL, NULL, NULL},
    {0},
};

static PyTypeObject CoreType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "ret_convert._core.Core",
    .tp_basicsize = sizeof(CoreObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = core_new,
    .tp_dealloc = (destructor)core_dealloc,
    .tp_methods = core_methods,
    .tp_getset = core_values_of,
};

static PyMethodDef functions[] = {{"tally", tally_of, METH_VARARGS, NULL}, {0}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "ret_convert._core", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit__core(void) {
    if (PyType_Ready(&CoreType)) return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddObjectRef(made, "Core", (PyObject *)&CoreType)) Py_CLEAR(made);
    return made;
}
