/* The inside of an element as source again, as a parser has read it, so that it stands on its own.
 *
 * Entities are resolved, CDATA sections are text, comments and instructions are gone: what is left is the element's
 * values, every run of text in one piece, and markup that needs nothing of the document around it but its namespaces. */
#include "core.h"

static void escaped(Bytes *out, const char *text, size_t size, bool attribute) {
    const char *from = text, *end = text + size;
    for (const char *at = text; at < end; at++) {
        const char *as = NULL;
        switch (*at) {
        case '&': as = "&amp;"; break;
        case '<': as = "&lt;"; break;
        case '>': as = "&gt;"; break;
        case '\r': as = "&#13;"; break;
        case '"': as = attribute ? "&quot;" : NULL; break;
        case '\n': as = attribute ? "&#10;" : NULL; break;
        case '\t': as = attribute ? "&#9;" : NULL; break;
        default: break;
        }
        if (as) {
            bytes_add(out, from, (size_t)(at - from));
            bytes_text(out, as);
            from = at + 1;
        }
    }
    bytes_add(out, from, (size_t)(end - from));
}

static void closed(Source *source) {
    if (source->pending) bytes_char(&source->text, '>');
    source->pending = false;
}

void source_start(Source *source, const char *name, const char **attributes) {
    closed(source);
    bytes_char(&source->text, '<');
    bytes_text(&source->text, name);
    for (; attributes[0]; attributes += 2) {
        bytes_char(&source->text, ' ');
        bytes_text(&source->text, attributes[0]);
        bytes_add(&source->text, "=\"", 2);
        escaped(&source->text, attributes[1], strlen(attributes[1]), true);
        bytes_char(&source->text, '"');
    }
    source->pending = true;
}

void source_end(Source *source, const char *name) {
    if (source->pending) {
        bytes_add(&source->text, "/>", 2);
        source->pending = false;
        return;
    }
    bytes_add(&source->text, "</", 2);
    bytes_text(&source->text, name);
    bytes_char(&source->text, '>');
}

void source_text(Source *source, const char *text, size_t size) {
    closed(source);
    escaped(&source->text, text, size, false);
}
