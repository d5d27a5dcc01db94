/* Paths and namespaces. A path's step is its key: `{uri}local`, or the bare local name where there is no namespace; a
 * prefix that is bound to nothing stands for itself, so that an unbound one is no error. */
#include "core.h"

#define XSI "http://www.w3.org/2001/XMLSchema-instance"
#define CACHED_MAX 400000 /* aliases: one for each name, path and scope */

/* --- namespaces ------------------------------------------------------------------------------------------------------ */

bool is_declaration(const char *attribute) {
    return attribute[0] == 'x' && strncmp(attribute, "xmlns", 5) == 0 && (attribute[5] == '\0' || attribute[5] == ':');
}

static const char *uri_of(const Scope *scope, const char *prefix, size_t size) {
    for (; scope; scope = scope->outer)
        for (uint32_t at = scope->bound; at-- > 0;)
            if (strlen(scope->bindings[at].prefix) == size && memcmp(scope->bindings[at].prefix, prefix, size) == 0)
                return scope->bindings[at].uri;
    return NULL;
}

static Scope *scope_new(Shape *shape, Scope *outer, uint32_t room) {
    Scope *scope = must(calloc(1, sizeof(Scope)));
    scope->bindings = must(calloc(room ? room : 1, sizeof *scope->bindings));
    scope->id = ++shape->scopes;
    scope->references = 1;
    scope->outer = outer ? scope_hold(outer) : NULL;
    return scope;
}

static void bind(Scope *scope, const char *prefix, const char *uri) {
    scope->bindings[scope->bound].prefix = must(strdup(prefix));
    scope->bindings[scope->bound++].uri = must(strdup(uri));
}

/* An inner scope that is remembered does not count for its outer one, and goes with it; none recurses. */
void scope_drop(Scope *scope) {
    if (--scope->references) return;
    Scope *dead = scope;
    while (dead) {
        Scope *one = dead, *outer = one->outer;
        dead = one->next_dead;
        for (uint32_t at = 0; at < 16; at++) {
            Scope *inner = one->inner[at];
            if (inner == NULL) continue;
            inner->outer = NULL;
            if (--inner->references == 0) {
                inner->next_dead = dead;
                dead = inner;
            }
        }
        for (uint32_t at = 0; at < one->bound; at++) {
            free(one->bindings[at].prefix);
            free(one->bindings[at].uri);
        }
        free(one->bindings);
        bytes_free(&one->declared);
        free(one);
        if (outer && --outer->references == 0) {
            outer->next_dead = dead;
            dead = outer;
        }
    }
}

static Scope *remembered(Scope *scope, const Bytes *declared) {
    for (uint32_t at = 0; at < 16; at++) {
        Scope *inner = scope->inner[at];
        if (inner && inner->declared.size == declared->size && memcmp(inner->declared.data, declared->data, declared->size) == 0)
            return inner;
    }
    return NULL;
}

static bool is_doubled(const Scope *scope) {
    if ((scope->outer && scope->outer->doubled) || scope->bound > 64) return true; /* only an order is lost by a yes */
    for (uint32_t at = 0; at < scope->bound; at++) {
        const char *prefix = scope->bindings[at].prefix, *uri = scope->bindings[at].uri;
        for (const Scope *other = scope; *prefix && other; other = other->outer)
            for (uint32_t of = 0; of < other->bound; of++)
                if (*other->bindings[of].prefix && strcmp(other->bindings[of].prefix, prefix) &&
                    strcmp(other->bindings[of].uri, uri) == 0)
                    return true;
    }
    return false;
}

Scope *scope_within(Shape *shape, Scope *scope, const char **attributes) {
    uint32_t count = 0;
    bool changes = false;
    Bytes declared = {0};
    for (const char **at = attributes; at[0]; at += 2) {
        if (!is_declaration(at[0])) continue;
        const char *prefix = at[0][5] ? at[0] + 6 : "";
        const char *uri = uri_of(scope, prefix, strlen(prefix));
        changes |= uri == NULL || strcmp(uri, at[1]) != 0;
        bytes_add(&declared, at[0], strlen(at[0]) + 1);
        bytes_add(&declared, at[1], strlen(at[1]) + 1);
        count++;
    }
    Scope *found = scope;
    if (changes && (found = remembered(scope, &declared)) == NULL) {
        found = scope_new(shape, scope, count);
        for (const char **at = attributes; at[0]; at += 2)
            if (is_declaration(at[0])) bind(found, at[0][5] ? at[0] + 6 : "", at[1]);
        found->declared = declared;
        found->doubled = is_doubled(found);
        declared = (Bytes){0};
        /* The list holds it; its place goes to another one some time. */
        Scope **place = &scope->inner[scope->inner_next++ % 16];
        Scope *old = *place;
        *place = scope_hold(found);
        found->outer->references--; /* held by its outer one, it cannot outlive it: no circle */
        if (old) {
            old->outer->references++;
            scope_drop(old);
        }
        bytes_free(&declared);
        return found;
    }
    bytes_free(&declared);
    return scope_hold(found);
}

/* --- names -------------------------------------------------------------------------------------------------------------- */

/* The key of a name, in `out`. The default namespace reaches elements and no attributes. */
static void key_of(Bytes *out, const Scope *scope, const char *name, bool element) {
    const char *colon = strrchr(name, ':');
    const char *uri = NULL;
    if (colon) uri = uri_of(scope, name, (size_t)(colon - name));
    else if (element) uri = uri_of(scope, "", 0);
    out->size = 0;
    if (colon && uri == NULL) {
        bytes_char(out, '{');
        bytes_add(out, name, (size_t)(colon - name));
        bytes_text(out, ":}");
    } else if (uri && *uri) {
        bytes_char(out, '{');
        bytes_text(out, uri);
        bytes_char(out, '}');
    }
    bytes_text(out, colon ? colon + 1 : name);
    bytes_char(out, '\0');
    out->size--;
}

static Node *node_new(Shape *shape, Node *parent, const char *key, size_t key_size, const char *written) {
    Node *node = arena_take(&shape->paths, sizeof(Node));
    node->parent = parent;
    node->key = arena_copy(&shape->paths, key, key_size);
    node->written = arena_copy(&shape->paths, written, strlen(written));
    node->depth = parent ? parent->depth + 1 : 0;
    node->table = node->runs_table = -1;
    node->id = shape->count;
    if (shape->count == shape->room) {
        shape->room = shape->room ? shape->room * 2 : 64;
        shape->nodes = must(realloc(shape->nodes, shape->room * sizeof(Node *)));
    }
    shape->nodes[shape->count++] = node;
    if (parent) {
        if (parent->child_count == parent->child_room) {
            parent->child_room = parent->child_room ? parent->child_room * 2 : 4;
            parent->children = must(realloc(parent->children, parent->child_room * sizeof(Node *)));
        }
        node->place = parent->child_count;
        parent->children[parent->child_count++] = node;
        map_put(&shape->keys, parent, 0, node->key, key_size, node);
    }
    return node;
}

static Attribute *attribute_new(Shape *shape, Node *node, const char *key, size_t key_size, const char *written) {
    Attribute *attribute = arena_take(&shape->paths, sizeof(Attribute));
    attribute->key = arena_copy(&shape->paths, key, key_size);
    attribute->written = arena_copy(&shape->paths, written, strlen(written));
    attribute->nil = strcmp(attribute->key, "{" XSI "}nil") == 0;
    if (node->attribute_count == node->attribute_room) {
        node->attribute_room = node->attribute_room ? node->attribute_room * 2 : 4;
        node->attributes = must(realloc(node->attributes, node->attribute_room * sizeof(Attribute *)));
    }
    node->attributes[node->attribute_count] = attribute;
    attribute->serial = 0;
    shape->attributes++;
    map_put(&shape->keys, node, 1 + (uint64_t)0, attribute->key, key_size, (void *)(uintptr_t)(node->attribute_count + 1));
    node->attribute_count++;
    return attribute;
}

/* Aliases are a cache: when there are too many of them, all are forgotten. */
static Alias *alias_new(Shape *shape, const void *owner, uint64_t number, const char *name, size_t size, uint64_t scope, void *meaning) {
    if (shape->cache.used > CACHED_MAX) {
        map_free(&shape->cache);
        arena_free(&shape->aliases);
        shape->forgotten++;
        for (uint32_t at = 0; at < shape->count; at++) shape->nodes[at]->first_child = shape->nodes[at]->first_attribute = NULL;
    }
    Alias *alias = arena_take(&shape->aliases, sizeof(Alias));
    alias->name = arena_copy(&shape->aliases, name, size);
    alias->size = size;
    alias->scope = scope;
    alias->meaning = meaning;
    map_put(&shape->cache, owner, number, alias->name, size, alias);
    return alias;
}

/* The parser has just written the name, byte for byte: a vector read of it would wait for those writes to arrive. */
static bool fits(const Alias *alias, const Scope *scope, const char *name) {
    if (alias == NULL || alias->scope != scope->id) return false;
    const char *known = alias->name;
    for (size_t at = 0; at < 8; at++) {
        if (known[at] != name[at]) return false;
        if (name[at] == '\0') return true;
    }
    return strcmp(known + 8, name + 8) == 0;
}

Alias *child_of(Shape *shape, Node *node, Scope *scope, const char *name, Alias *guess) {
    if (guess && fits(guess->next, scope, name)) return guess->next;
    if (guess && fits(guess, scope, name)) return guess;
    if (guess == NULL && fits(node->first_child, scope, name)) return node->first_child;
    size_t size = strlen(name);
    uint64_t forgotten = shape->forgotten;
    Alias *found = map_find(&shape->cache, node, scope->id * 2, name, size);
    if (found == NULL) {
        Bytes key = {0};
        key_of(&key, scope, name, true);
        Node *child = map_find(&shape->keys, node, 0, key.data, key.size);
        if (child == NULL) child = node_new(shape, node, key.data, key.size, name);
        bytes_free(&key);
        found = alias_new(shape, node, scope->id * 2, name, size, scope->id, child);
    }
    if (guess && shape->forgotten == forgotten) guess->next = found;
    else node->first_child = found;
    return found;
}

Alias *attribute_of(Shape *shape, Node *node, Scope *scope, const char *name, Alias *guess) {
    if (guess && fits(guess->next, scope, name)) return guess->next;
    if (guess == NULL && fits(node->first_attribute, scope, name)) return node->first_attribute;
    size_t size = strlen(name);
    uint64_t forgotten = shape->forgotten;
    Alias *found = map_find(&shape->cache, node, scope->id * 2 + 1, name, size);
    if (found == NULL) {
        Bytes key = {0};
        key_of(&key, scope, name, false);
        uintptr_t index = (uintptr_t)map_find(&shape->keys, node, 1, key.data, key.size);
        if (index == 0) {
            attribute_new(shape, node, key.data, key.size, name);
            index = node->attribute_count;
        }
        bytes_free(&key);
        found = alias_new(shape, node, scope->id * 2 + 1, name, size, scope->id, (void *)(index - 1));
    }
    if (guess && shape->forgotten == forgotten) guess->next = found;
    else node->first_attribute = found;
    return found;
}

/* The attribute of an element that has two of the same key, written with different prefixes: a key of its own. A blank
 * is in no name, so it is nobody else's. */
Attribute *attribute_apart(Shape *shape, Node *node, const char *key, const char *written) {
    Bytes own = {0};
    bytes_text(&own, key);
    bytes_char(&own, ' ');
    bytes_text(&own, written);
    uintptr_t index = (uintptr_t)map_find(&shape->keys, node, 1, own.data, own.size);
    Attribute *found = index ? node->attributes[index - 1] : attribute_new(shape, node, own.data, own.size, written);
    bytes_free(&own);
    return found;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------ */

void shape_begin(Shape *shape) {
    *shape = (Shape){0};
    shape->outermost = scope_new(shape, NULL, 3);
    bind(shape->outermost, "", "");
    bind(shape->outermost, "xml", "http://www.w3.org/XML/1998/namespace");
    /* xsi is what its name says even in documents that forgot to declare it. */
    bind(shape->outermost, "xsi", XSI);
    shape->top = node_new(shape, NULL, "", 0, "");
}

/* `doubtful`: what is known was also learned from the inside of mixed content, which is no paths. */
void shape_forget_figures(Shape *shape, bool doubtful) {
    for (uint32_t at = 0; at < shape->count; at++) {
        Node *node = shape->nodes[at];
        node->met = node->text = node->empty = node->source = node->leafed = node->skipped_empty = false;
        node->count = node->most = node->runs = node->values = node->owner = node->current = 0;
        node->table = node->runs_table = -1;
        if (doubtful) node->known_container = node->known_text = false;
        for (uint32_t of = 0; of < node->attribute_count; of++) {
            node->attributes[of]->seen = false;
            node->attributes[of]->serial = 0;
        }
    }
}

void shape_end(Shape *shape) {
    for (uint32_t at = 0; at < shape->count; at++) {
        free(shape->nodes[at]->children);
        free(shape->nodes[at]->attributes);
    }
    free(shape->nodes);
    map_free(&shape->keys);
    map_free(&shape->cache);
    arena_free(&shape->paths);
    arena_free(&shape->aliases);
    shape->outermost->references = 1;
    scope_drop(shape->outermost);
}
