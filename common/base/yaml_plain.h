/* What a YAML scalar without quotes means. Pure. */
#pragma once

enum plain { PLAIN_STRING, PLAIN_NULL, PLAIN_BOOL, PLAIN_NUMBER, PLAIN_NOT_FINITE };

enum { PLAIN_JSON_SIZE = 40 };

/* For null, booleans and numbers the value goes to `ret_json` as JSON text. */
enum plain yaml_plain(const char *text, char ret_json[PLAIN_JSON_SIZE]);
