/* JSON trees as YAML, through libyaml's emitter. Any thread. */
#include "common/base/yaml_print.h"

#include "common/base/mem.h"

#include <yaml.h>

enum { WIDTH = 100 };

static int append(void *arg, unsigned char *bytes, size_t len)
{
    str_add_bytes(arg, (const char *)bytes, len);
    return 1;
}

/* Would YAML read the plain text as something else than this string? */
static bool needs_quotes(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return !*text || !((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'));
}

static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    if (!yaml_emitter_emit(emitter, event))
        abort(); /* only when memory is out, or for a sequence of events that is wrong */
}

static void emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;

    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
                                 style);
    emit(emitter, &event);
}

static void emit_string(yaml_emitter_t *emitter, const char *text)
{
    emit_scalar(emitter, text, needs_quotes(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE);
}

static void emit_value(yaml_emitter_t *emitter, const struct json *json)
{
    yaml_event_t event;
    _cleanup_(freep) char *text = NULL;
    bool empty = !json_first(json);

    switch (json_type(json)) {
    case JSON_OBJECT:
        yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                            empty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
        emit(emitter, &event);
        for (const struct json *item = json_first(json); item; item = json_next(item)) {
            emit_string(emitter, json_key(item));
            emit_value(emitter, item);
        }
        yaml_mapping_end_event_initialize(&event);
        emit(emitter, &event);
        break;
    case JSON_ARRAY:
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                             empty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
        emit(emitter, &event);
        for (const struct json *item = json_first(json); item; item = json_next(item))
            emit_value(emitter, item);
        yaml_sequence_end_event_initialize(&event);
        emit(emitter, &event);
        break;
    case JSON_STRING:
        emit_string(emitter, json_str(json));
        break;
    default:
        text = json_text(json);
        emit_scalar(emitter, text, YAML_PLAIN_SCALAR_STYLE);
    }
}

void yaml_print(const struct json *json, struct str *out)
{
    yaml_emitter_t emitter;
    yaml_event_t event;

    if (!yaml_emitter_initialize(&emitter))
        abort();
    yaml_emitter_set_output(&emitter, append, out);
    yaml_emitter_set_width(&emitter, WIDTH);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    emit(&emitter, &event);
    emit_value(&emitter, json);
    yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
}
