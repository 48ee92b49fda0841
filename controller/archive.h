/* The archive in S3, as far as a look at a function needs to know it. One thread at a time. */
#pragma once

#include "controller/run.h"

/* The annotation that asks for another deployment; NULL: there is none. Anybody's text, so it is cut: the
 * status repeats it. The caller frees. */
char *archive_request(const struct resource *resource);

/* Where another artifact is declared than the one that runs, S3 may know that its content is the same. True:
 * run->artifact was asked for just now. */
bool archive_ask(struct run *run);

/* What is under the key of what runs, where the time has come to look. */
void archive_look(struct run *run);

/* Was it overwritten since it was deployed, as far as we know? */
bool archive_is_overwritten(const struct run *run);

/* Is the code to be deployed although none other is declared: on request, or because it follows its key? */
bool archive_redeploys(const struct run *run);
