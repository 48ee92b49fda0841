/* What is remembered of a resource from one look to the next. One thread at a time. */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "controller/run.h"

struct memory *memory_new(void)
{
    return xcalloc(1, sizeof(struct memory));
}

void memory_forget_steps(struct memory *memory)
{
    for (size_t i = 0; i < memory->ran_count; i++)
        free(memory->ran[i].item);
    free(memory->ran);
    memory->ran = NULL;
    memory->ran_count = 0;
}

static void memory_clear(struct memory *memory)
{
    memory_forget_steps(memory);
    free(memory->uid);
    free(memory->version);
    free(memory->redeploy);
    free(memory->role);
    free(memory->site);
    free(memory->function_name);
    json_free(memory->deployed);
    json_free(memory->sides);
    free(memory->published);
    *memory = (struct memory){.counted = memory->counted,
                              .found = memory->found,
                              .earlier_ms = memory->sent_ms ? memory->sent_ms : memory->earlier_ms};
}

void memory_free(struct memory *memory)
{
    if (memory)
        memory_clear(memory);
    free(memory);
}

void memory_set_due(struct memory *memory, int64_t mono_ms)
{
    memory->due_ms = mono_ms;
}

struct series **memory_counted(struct memory *memory)
{
    return &memory->counted;
}

void memory_suspect(struct memory *memory)
{
    if (memory->resting)
        memory->due_ms = clock_mono_ms();
}

const char *memory_site(const struct memory *memory)
{
    return memory->site;
}

const char *memory_function_name(const struct memory *memory)
{
    return memory->function_name;
}

void memory_follow(struct memory *memory, const struct run *run)
{
    const struct resource *resource = &run->resource;
    bool known = memory->uid != NULL;
    bool moved = run->governed && known && !str_equal(memory->role, run->role);

    if (run->governed && known && !memory->governed) /* the namespace is there */
        memory->due_ms = run->now_ms;
    memory->governed = run->governed;
    if (!moved && str_equal(memory->uid, resource->uid) && memory->generation == resource->generation &&
        str_equal(memory->redeploy, run->redeploy))
        return;
    char *role = run->governed ? xstrdup(run->role) : take(memory->role);

    memory_clear(memory);
    memory->governed = run->governed;
    memory->due_ms = known ? run->now_ms : 0;
    memory->uid = xstrdup(resource->uid);
    memory->generation = resource->generation;
    memory->redeploy = xstrdup(run->redeploy);
    memory->role = role;
    if (run->region)
        memory->site = role ? xasprintf("%s %s", run->region, role) : xstrdup(run->region);
    memory->function_name = xstrdup(run->function_name);
}

static struct ran *find_step(const struct memory *memory, enum plan_step_kind kind, const char *item)
{
    for (size_t i = 0; i < memory->ran_count; i++)
        if (memory->ran[i].kind == kind && str_equal(memory->ran[i].item, item))
            return &memory->ran[i];
    return NULL;
}

void memory_note_step(struct memory *memory, const struct plan_step *step)
{
    struct ran *ran = find_step(memory, step->kind, step->item);

    if (!ran) {
        memory->ran = xrealloc(memory->ran, (memory->ran_count + 1) * sizeof(*memory->ran));
        ran = &memory->ran[memory->ran_count++];
        *ran = (struct ran){.kind = step->kind, .item = xstrdup(step->item)};
    }
    ran->at_ms = clock_mono_ms();
}

int64_t memory_ran_ms(const struct memory *memory, enum plan_step_kind kind, const char *item)
{
    const struct ran *ran = find_step(memory, kind, item);

    return ran ? ran->at_ms : 0;
}
