/* From what AWS has to the spec that declares just that: the way back of a plan. Pure. */
#pragma once

#include "common/base/json.h"
#include "common/base/str.h"

/* A new object for the `code` of plan_import, under the names of status.deployed: the image, or the object
 * that is run where it is. Empty for an archive that Lambda copied: AWS does not tell where it came from. */
struct json *plan_import_code(const struct json *observed);

/* A new spec with which AWS is in force as it is. `observed`: GetFunction's answer, those of the side
 * calls, each under its name, and the aliases as versions.h describes them. What equals AWS's default is left
 * out, and so are the tags of AWS and our own; adoptionPolicy is Adopt. `code`: where the code is, as above;
 * what it lacks the spec lacks, too. `region` is the function's. What cannot be declared is said in
 * `comments`, in lines that begin with "# ". */
struct json *plan_import(const struct json *observed, const struct json *code, const char *region,
                         struct str *comments);

/* A name for the resource: the function's without `strip` at its beginning (NULL: as it is), as Kubernetes
 * takes it. The caller frees. */
char *plan_import_name(const char *function_name, const char *strip);
