/* A replica of the controller: which resources it looks at when, as controller/controller.c,
 * controller/queue.c and common/kube/informer.c do it with threads. */
#pragma once

#include "tests/model/world.h"

void replica_init(struct replica *replica, struct world *world);
void replica_lead(struct replica *replica); /* its controller starts */
void replica_end(struct replica *replica);  /* it is over, or was never there */

bool replica_is_busy(const struct replica *replica);  /* a look is under way */
bool replica_is_awake(const struct replica *replica); /* it leads and something of it runs */
bool replica_renews(const struct replica *replica);   /* its lease */

/* When it has something to do next, in its awake state; INT64_MAX: nothing. */
int64_t replica_next_ms(const struct replica *replica);

/* Does one thing that is due; false: there was none. */
bool replica_step(struct replica *replica);
