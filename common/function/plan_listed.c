/* A function as ListFunctions shows it against what is wanted. Pure. */
#include "common/base/mem.h"
#include "common/function/plan_parts.h"

#define SHOWN "Configuration."

bool plan_listed_differs(const struct plan_input *input, const struct json *listed)
{
    _cleanup_(json_freep) struct json *observed = json_new_object();
    struct plan_input seen = *input;
    bool differs;

    json_set(observed, "Configuration", json_copy(listed));
    seen.observed = observed;
    differs = plan_code_differs(&seen);
    for (size_t i = 0; i < field_count && !differs; i++) {
        const struct field *field = &fields[i];

        if ((field->call != CALL_CODE && field->call != CALL_CONFIGURATION) || field->deployed ||
            !field->member)
            continue;
        _cleanup_(freep) char *path = value_observed_path(field);

        differs = str_starts_with(path, SHOWN) && value_differs(field, &seen, value_ours(field, &seen));
    }
    return differs;
}
