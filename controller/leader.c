/* A controller between an election and the informers. The elector's thread starts and stops it; the lock
 * keeps it in place for those who tell it of changes. */
#include "controller/leader.h"

#include "common/base/mem.h"
#include "common/kube/elector.h"

#include <pthread.h>
#include <stdatomic.h>

#define LEASE_NAME "kubelambda"

struct leader {
    struct controller_options options;
    char *cluster_id;
    struct elector *elector;
    _Atomic int64_t until_ms;
    pthread_mutex_t lock;
    struct controller *controller; /* NULL: we do not lead */
};

/* The owner tag needs a name for this cluster that no other has. */
static int find_cluster_id(struct kube *kube, char **ret_id, struct err *err)
{
    _cleanup_(json_freep) struct json *namespace = NULL;
    int r = kube_call(kube, &(struct kube_request){.method = "GET", .path = "/api/v1/namespaces/kube-system"},
                      &namespace, err);

    if (r < 0)
        return err_wrap(err, "the UID of kube-system, the cluster's id");
    const char *uid = json_str_at(namespace, "metadata.uid");

    if (!uid)
        return err_set(err, ERR_RETRY, "the namespace kube-system has no UID");
    *ret_id = xstrdup(uid);
    return 0;
}

/* What changes meanwhile waits for the queue. */
static void on_gained(void *arg)
{
    struct leader *leader = arg;

    pthread_mutex_lock(&leader->lock);
    leader->controller = controller_start(&leader->options);
    pthread_mutex_unlock(&leader->lock);
}

static void on_lost(void *arg)
{
    struct leader *leader = arg;

    pthread_mutex_lock(&leader->lock);
    struct controller *controller = take(leader->controller);

    pthread_mutex_unlock(&leader->lock);
    controller_stop(controller);
}

struct leader *leader_new(void)
{
    struct leader *leader = xcalloc(1, sizeof(*leader));

    pthread_mutex_init(&leader->lock, NULL);
    return leader;
}

void leader_free(struct leader *leader)
{
    if (!leader)
        return;
    pthread_mutex_destroy(&leader->lock);
    free(leader->cluster_id);
    free(leader);
}

int leader_start(struct leader *leader, const struct leader_options *options, struct err *err)
{
    char *cluster_id = xstrdup(options->controller.cluster_id);
    int r = cluster_id ? 0 : find_cluster_id(options->controller.kube, &cluster_id, err);

    if (r < 0)
        return r;
    leader->options = options->controller;
    leader->options.cluster_id = leader->cluster_id = cluster_id;
    leader->options.lead_until_ms = &leader->until_ms;
    leader->elector = elector_start(&(struct elector_options){.kube = options->controller.kube,
                                                              .namespace = options->namespace,
                                                              .name = LEASE_NAME,
                                                              .deadline_ms = &leader->until_ms,
                                                              .gained = on_gained,
                                                              .lost = on_lost,
                                                              .arg = leader});
    return 0;
}

void leader_stop(struct leader *leader)
{
    if (leader)
        elector_stop(take(leader->elector));
}

void leader_enqueue(struct leader *leader, const char *key)
{
    if (!leader)
        return;
    pthread_mutex_lock(&leader->lock);
    if (leader->controller)
        controller_enqueue(leader->controller, key);
    pthread_mutex_unlock(&leader->lock);
}

void leader_reconsider(struct leader *leader, const char *namespace)
{
    if (!leader)
        return;
    pthread_mutex_lock(&leader->lock);
    if (leader->controller)
        controller_reconsider(leader->controller, namespace);
    pthread_mutex_unlock(&leader->lock);
}

void leader_measure(struct leader *leader)
{
    pthread_mutex_lock(&leader->lock);
    if (leader->controller)
        controller_measure(leader->controller);
    pthread_mutex_unlock(&leader->lock);
}

void leader_count(struct leader *leader)
{
    if (!leader)
        return;
    pthread_mutex_lock(&leader->lock);
    if (leader->controller)
        controller_count(leader->controller);
    pthread_mutex_unlock(&leader->lock);
}
