/* What is asked about rows of the table of fields. Pure. */
#include "common/base/mem.h"
#include "common/function/fields.h"

static bool is_below(const struct field *field, const struct field *above)
{
    size_t len = strlen(above->path);

    return strncmp(field->path, above->path, len) == 0 && strchr(".[", field->path[len]);
}

__attribute__((constructor)) static void count_rows_below(void)
{
    const struct field_table *const tables[] = {&function_table, &policy_table};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (size_t row = 0; row < tables[i]->count; row++)
            for (size_t next = row + 1;
                 next < tables[i]->count && is_below(&tables[i]->rows[next], &tables[i]->rows[row]); next++)
                tables[i]->below[row]++;
}

const struct field *field_find(const char *path)
{
    for (size_t i = 0; i < field_count; i++)
        if (str_equal(fields[i].path, path))
            return &fields[i];
    return NULL;
}

const char *field_path_in(const struct field *field, const struct field *list)
{
    const char *path = field->path;

    if (list) {
        size_t len = strlen(list->path);

        if (strncmp(path, list->path, len) != 0 || !str_starts_with(path + len, "[]."))
            return NULL;
        path += len + strlen("[].");
    }
    return strchr(path, '[') ? NULL : path;
}

bool field_can_default(const struct field *field)
{
    const char *mark = strstr(field->path, "[].");

    if (mark) { /* as the list that it is in */
        _cleanup_(freep) char *list = xstrndup(field->path, (size_t)(mark - field->path));

        field = field_find(list);
    }
    return field && !field->no_default && !field->otherwise;
}

bool field_has_room(const struct json *spec, const char *path)
{
    const struct json *at = spec;

    for (const char *name = path, *dot; (dot = strchr(name, '.')); name = dot + 1) {
        _cleanup_(freep) char *key = xstrndup(name, (size_t)(dot - name));

        at = json_get(at, key);
        if (json_type(at) <= JSON_NULL)
            return true;
        if (json_type(at) != JSON_OBJECT)
            return false;
    }
    return true;
}

static const struct json *within_max(const char *path, const struct json *spec, enum json_type type)
{
    const struct json *value = json_at(spec, path);

    if (json_type(value) != type)
        return NULL;
    const struct field *field = field_find(path);

    return field && json_size(value) <= (size_t)field->max ? value : NULL;
}

const struct json *field_list(const char *path, const struct json *spec)
{
    return within_max(path, spec, JSON_ARRAY);
}

const struct json *field_map(const char *path, const struct json *spec)
{
    return within_max(path, spec, JSON_OBJECT);
}

unsigned field_packages(const struct json *spec)
{
    const char *declared = json_str_at(spec, "packageType"), *image = json_str_at(spec, "code.imageUri");

    return str_equal(declared, "Image") || (!str_equal(declared, "Zip") && image && *image) ? FOR_IMAGE
                                                                                            : FOR_ZIP;
}

struct json *field_unset(const struct field *field, const struct json *spec)
{
    static const char name_here[] = "{functionName}";
    const char *name = json_str_at(spec, "functionName");
    struct json *unset = NULL;
    struct err err;

    if (!field->unset || json_parse(view(field->unset), &unset, &err) < 0)
        return NULL;
    const char *text = json_str(unset), *here = text ? strstr(text, name_here) : NULL;

    if (here) {
        _cleanup_(freep) char *filled =
            xasprintf("%.*s%s%s", (int)(here - text), text, name ? name : "", here + strlen(name_here));

        json_free(unset);
        unset = json_new_string(filled);
    }
    return unset;
}
