/* The end of a resource: its function is deleted, or left behind, and then the finalizer comes off. */
#pragma once

#include "controller/run.h"

/* Goes on with it as far as it can. */
struct reconcile_next deletion_go_on(struct run *run);
