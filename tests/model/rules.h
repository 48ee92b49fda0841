/* What must hold at any time, and in the end. By a table of its own: nothing here asks the plan. */
#pragma once

#include "tests/model/world.h"

/* A replica is about to change AWS. */
void rules_at_write(struct world *world, const struct replica *replica, const struct cloud_request *request);

/* It called AWS. */
void rules_after_call(struct world *world, struct replica *replica, const struct cloud_request *request);

/* It changed a resource. */
void rules_after_patch(struct world *world, const struct replica *replica, size_t which);

/* All has settled. */
void rules_at_end(struct world *world);

/* "InForce": what the object's status says; "" where it says nothing. */
const char *rules_reason(const struct json *object);
