/* The shared files. Any thread; the environment must not change any more. */
#include "common/aws/profile.h"

#include "common/base/mem.h"

#include <errno.h>
#include <stdio.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static const struct {
    const char *variable, *name;
} locations[PROFILE_FILES] = {
    [PROFILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE", "credentials"},
    [PROFILE_CONFIG] = {"AWS_CONFIG_FILE", "config"},
};

const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

char *profile_file_path(enum profile_file file)
{
    const char *path = environment(locations[file].variable), *home = environment("HOME");

    if (path)
        return xstrdup(path);
    return home ? xasprintf("%s/.aws/%s", home, locations[file].name) : NULL;
}

static int read_file(enum profile_file file, const char *path, struct str *text, struct err *err)
{
    FILE *stream = fopen(path, "re");
    bool asked_for = environment(locations[file].variable);
    char piece[4096];

    /* A home directory that we may not enter is as good as none. */
    if (!stream && (errno == ENOENT || errno == ENOTDIR || !asked_for))
        return 0;
    if (!stream)
        return err_set(err, ERR_FATAL, "%s=%s cannot be read: %s", locations[file].variable, path,
                       strerror(errno));
    for (size_t len; (len = fread(piece, 1, sizeof(piece), stream)) > 0;)
        str_add_bytes(text, piece, len);
    bool failed = ferror(stream);

    fclose(stream);
    if (failed || text->overflow)
        return err_set(err, ERR_FATAL, "%s is not a readable file of at most 1 MiB", path);
    return 0;
}

static int load_file(struct profile *profile, enum profile_file file, struct err *err)
{
    _cleanup_(str_done) struct str text = STR_INIT(FILE_MAX_BYTES);
    struct err problem;
    const char *path = profile->paths[file] = profile_file_path(file);

    if (!path)
        return 0;
    int result = read_file(file, path, &text, err);

    if (result == 0 && ini_parse(str_view_of(&text), &profile->files[file], &problem) < 0)
        return err_set(err, ERR_FATAL, "%s cannot be parsed: %s", path, problem.msg);
    return result;
}

/* In the config file it is "[profile x]", or for the default one also "[default]". */
static char *section_name(const struct profile *profile, enum profile_file file)
{
    if (file == PROFILE_CREDENTIALS)
        return xstrdup(profile->name);
    char *name = xasprintf("profile %s", profile->name);

    if (str_equal(profile->name, "default") && !ini_has(&profile->files[file], name)) {
        free(name);
        name = xstrdup("default");
    }
    return name;
}

bool profile_exists(const struct profile *profile)
{
    bool found = false;

    for (int file = 0; file < PROFILE_FILES && !found; file++) {
        _cleanup_(freep) char *section = section_name(profile, file);

        found = ini_has(&profile->files[file], section);
    }
    return found;
}

int profile_load(struct profile *ret_profile, struct err *err)
{
    const char *chosen = environment("AWS_PROFILE");
    _cleanup_(profile_done) struct profile profile = {.name = xstrdup(chosen ? chosen : "default")};

    for (int file = 0; file < PROFILE_FILES; file++) {
        int result = load_file(&profile, file, err);

        if (result < 0)
            return result;
    }
    if (chosen && !profile_exists(&profile))
        return err_set(err, ERR_FATAL, "AWS_PROFILE=%s: there is no such profile in %s or %s", chosen,
                       profile.paths[PROFILE_CREDENTIALS] ? profile.paths[PROFILE_CREDENTIALS] : "~/.aws",
                       profile.paths[PROFILE_CONFIG] ? profile.paths[PROFILE_CONFIG] : "~/.aws");
    *ret_profile = profile;
    profile = (struct profile){0};
    return 0;
}

void profile_done(struct profile *profile)
{
    free(profile->name);
    for (int file = 0; file < PROFILE_FILES; file++) {
        free(profile->paths[file]);
        ini_done(&profile->files[file]);
    }
    *profile = (struct profile){0};
}

const char *profile_file_get(const struct profile *profile, enum profile_file file, const char *key)
{
    _cleanup_(freep) char *section = section_name(profile, file);

    return ini_get(&profile->files[file], section, key);
}

const char *profile_get(const struct profile *profile, const char *key)
{
    const char *value = NULL;

    for (int file = 0; file < PROFILE_FILES && !value; file++)
        value = profile_file_get(profile, file, key);
    return value && *value ? value : NULL;
}

const char *profile_service_get(const struct profile *profile, const char *service, const char *key)
{
    const char *services = profile_get(profile, "services");

    if (!services)
        return NULL;
    _cleanup_(freep) char *section = xasprintf("services %s", services);
    _cleanup_(freep) char *dotted = xasprintf("%s.%s", service, key);

    return ini_get(&profile->files[PROFILE_CONFIG], section, dotted);
}
