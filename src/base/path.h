/* Names of files. */
#ifndef WA_BASE_PATH_H
#define WA_BASE_PATH_H

#include "base/mem.h"

bool wa_path_is_folder(const char *path);
bool wa_path_exists(const char *path);
/* `name` as seen from the folder of the file `beside`: unchanged where it is absolute or beside is NULL or "-". NULL: no memory. */
char *wa_path_beside(const wa_env *env, const char *beside, wa_text name);
/* "folder/name". NULL: no memory. */
char *wa_path_join(const wa_env *env, const char *folder, const char *name);

#endif
