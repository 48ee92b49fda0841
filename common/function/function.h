/* Names that the resource, its webhook and its controller share. */
#pragma once

#define FUNCTION_ENVIRONMENT_LABEL "kubelambda.io/environment" /* on a namespace */
#define FUNCTION_FINALIZER "kubelambda.io/function"
#define FUNCTION_REDEPLOY "kubelambda.io/redeploy" /* annotation: another value deploys the code again */
