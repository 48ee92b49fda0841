/* What a dry run tells: warnings that say what applying would do in AWS. Pure. */
#pragma once

#include "webhook/review.h"

/* The plan from what is in force, which is the old object, to the new one. Names of fields, never values. */
void preview(const struct review_request *request, const struct review_facts *facts,
             struct findings *findings);
