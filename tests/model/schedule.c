/* Actions by chance, and as text. Pure. */
#include "tests/model/schedule.h"

#include "common/base/mem.h"
#include "tests/model/dice.h"

const char *const schedule_edits[] = {
    "{\"code\":{\"s3Key\":\"a.zip\"}}",
    "{\"code\":{\"s3Key\":\"b.zip\"}}",
    "{\"code\":{\"s3Key\":\"c.zip\"}}",
    "{\"code\":{\"follow\":true}}",
    "{\"code\":{\"follow\":null}}",
    "{\"handler\":\"app.one\"}",
    "{\"handler\":\"app.two\"}",
    "{\"memorySize\":256}",
    "{\"memorySize\":512}",
    "{\"memorySize\":null}",
    "{\"timeout\":5}",
    "{\"timeout\":null}",
    "{\"description\":\"one\"}",
    "{\"description\":null}",
    "{\"environment\":{\"variables\":{\"AB\":\"1\"}}}",
    "{\"environment\":{\"variables\":{\"AB\":null,\"CD\":\"2\"}}}",
    "{\"environment\":null}",
    "{\"tags\":{\"team\":\"a\"}}",
    "{\"tags\":{\"team\":\"b\",\"stage\":\"x\"}}",
    "{\"tags\":{\"team\":null}}",
    "{\"tags\":null}",
    "{\"reservedConcurrency\":5}",
    "{\"reservedConcurrency\":null}",
    "{\"asyncInvoke\":{\"maximumRetryAttempts\":0}}",
    "{\"asyncInvoke\":{\"maximumRetryAttempts\":1,\"maximumEventAgeInSeconds\":60}}",
    "{\"asyncInvoke\":null}",
    "{\"versions\":{\"publish\":\"OnChange\"}}",
    "{\"versions\":{\"publish\":\"OnChange\",\"keep\":2}}",
    "{\"versions\":{\"publish\":\"OnChange\"},\"aliases\":[{\"name\":\"live\",\"version\":\"Latest\"}]}",
    "{\"versions\":{\"publish\":\"OnChange\"},\"aliases\":[{\"name\":\"l\",\"version\":\"Previous\"}]}",
    "{\"versions\":null,\"aliases\":null}",
    "{\"deletionPolicy\":\"Retain\"}",
    "{\"deletionPolicy\":null}",
    "{\"adoptionPolicy\":\"Adopt\"}",
    "{\"adoptionPolicy\":null}",
    "{\"driftPolicy\":\"Report\"}",
    "{\"driftPolicy\":null}",
    "{\"suspend\":true}",
    "{\"suspend\":null}",
};

/* How often each is drawn, and what it is called. %r is a resource or an archive, %f a function. */
static const struct {
    unsigned weight;
    bool in_call; /* it happens only in the middle of one */
    bool lasts;   /* for `ms` */
    const char *text;
} kinds[ACTION_KINDS] = {
    [USER_CREATES] = {12, false, false, "a user creates resource %r for the function %f"},
    [USER_EDITS] = {50, false, false, "a user edits resource %r"},
    [USER_DELETES] = {6, false, false, "a user deletes resource %r"},
    [SOMEBODY_CONFIGURES] = {4, false, false, "somebody changes the configuration of %f"},
    [SOMEBODY_DEPLOYS] = {3, false, false, "somebody changes the code of %f"},
    [SOMEBODY_DELETES] = {2, false, false, "somebody deletes the function %f"},
    [SOMEBODY_CREATES] = {2, false, false, "somebody creates the function %f"},
    [SOMEBODY_TAKES_TAG] = {1, false, false, "somebody takes the owner's tag from %f"},
    [SOMEBODY_TAKES_OVER] = {1, false, false, "somebody tags %f as another owner's"},
    [SOMEBODY_SETS_TAG] = {2, false, false, "somebody changes a tag of %f"},
    [SOMEBODY_RESERVES] = {2, false, false, "somebody reserves concurrency for %f"},
    [SOMEBODY_OVERWRITES] = {2, false, false, "somebody overwrites %r.zip"},
    [SOMEBODY_BREAKS] = {2, false, false, "the function %f fails"},
    [SOMEBODY_MOVES_ALIAS] = {2, false, false, "somebody moves an alias of %f"},
    [FAULT_UNSENT] = {6, true, false, "there is no connection"},
    [FAULT_LOST] = {10, true, false, "the answer is lost"},
    [FAULT_5XX] = {4, true, false, "it is answered with 503"},
    [FAULT_THROTTLED] = {4, true, false, "it is throttled"},
    [FAULT_CONFLICT] = {5, true, false, "it is answered with 409"},
    [FAULT_DENIED] = {2, true, false, "it is denied"},
    [FAULT_PROXY] = {3, true, false, "a proxy answers with 404"},
    [AWS_LAGS] = {5, false, true, "reads show what was before the last write"},
    [AWS_REFUSES_ROLE] = {2, false, true, "the role cannot be assumed"},
    [AWS_IGNORES_UPDATES] = {2, false, true, "changes of the configuration are accepted and have no effect"},
    [AWS_FAILS_UPDATES] = {2, false, true, "updates fail after they were accepted"},
    [AWS_FAILS_CREATIONS] = {2, false, true, "creations fail after they were accepted"},
    [REPLICA_CRASHES] = {14, true, true, "the leader crashes"},
    [REPLICA_STOPS] = {4, true, false, "the leader is told to stop"},
    [REPLICA_FREEZES] = {5, true, true, "the leader freezes"},
    [REPLICA_IS_SLOW] = {5, true, true, "the call is slow"},
    [REPLICA_IS_CUT_OFF] = {4, false, true, "the leader is cut off from the API server"},
    [INFORMER_LAGS] = {5, false, true, "the leader's informer lags"},
};

static enum action_kind draw_kind(struct dice *dice)
{
    unsigned sum = 0;

    for (size_t i = 0; i < ACTION_KINDS; i++)
        sum += kinds[i].weight;
    size_t left = dice_below(dice, sum), kind = 0;

    while (left >= kinds[kind].weight)
        left -= kinds[kind++].weight;
    return (enum action_kind)kind;
}

static struct action draw(struct dice *dice, int64_t at_ms)
{
    static const int64_t lasts_ms[] = {200, 1000, 1900, 6000, 12000, 20000, 45000, 240000};
    struct action action = {.kind = draw_kind(dice), .at_ms = at_ms};

    /* Mostly one resource with one function, and a second one that wants its own or the same. */
    action.which = dice_percent(dice, 20);
    action.value = dice_percent(dice, 20) ? !action.which : action.which;
    if (action.kind == USER_EDITS)
        action.value = dice_below(dice, ARRAY_LEN(schedule_edits));
    if (action.kind == SOMEBODY_OVERWRITES)
        action.which = dice_below(dice, ARCHIVES);
    if (kinds[action.kind].in_call || dice_percent(dice, 25)) {
        action.call = 1 + (unsigned)dice_below(dice, dice_percent(dice, 70) ? 6 : 20);
        action.after = dice_percent(dice, 50);
    }
    if (kinds[action.kind].lasts)
        action.ms = lasts_ms[dice_below(dice, action.kind == AWS_LAGS ? 3 : ARRAY_LEN(lasts_ms))];
    return action;
}

struct schedule schedule_of(uint64_t seed)
{
    static const int64_t pauses_ms[] = {0, 0, 0, 1, 300, 1500, 4000, 11000, 30000, 200000, 700000};
    struct dice dice = {seed};
    struct schedule schedule = {.seed = seed, .count = 3 + dice_below(&dice, SCHEDULE_MAX - 3)};
    int64_t at_ms = 0;

    for (size_t i = 0; i < schedule.count; i++) {
        schedule.actions[i] = draw(&dice, at_ms);
        if (i == 0)
            schedule.actions[i] = (struct action){.kind = USER_CREATES};
        at_ms += pauses_ms[dice_below(&dice, ARRAY_LEN(pauses_ms))];
    }
    return schedule;
}

void action_print(const struct action *action, struct str *out)
{
    str_addf(out, "%lld ms", (long long)action->at_ms);
    if (action->call)
        str_addf(out, ", %s call %u from then on", action->after ? "after" : "before", action->call);
    str_add(out, ": ");
    for (const char *text = kinds[action->kind].text; *text; text++) {
        size_t letter = *text != '%'                   ? (size_t)*text
                        : text[1] == 'r'               ? 'a' + action->which
                        : action->kind == USER_CREATES ? 'f' + action->value
                                                       : 'f' + action->which;

        text += *text == '%';
        str_addf(out, "%c", (char)letter);
    }
    if (action->kind == USER_EDITS)
        str_addf(out, ": %s", schedule_edits[action->value]);
    if (kinds[action->kind].lasts)
        str_addf(out, ", for %lld ms", (long long)action->ms);
}
