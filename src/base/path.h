/* Names of files. */
#ifndef WA_BASE_PATH_H
#define WA_BASE_PATH_H

#include "base/mem.h"
#include "base/status.h"

bool wa_path_is_folder(const char *path);
bool wa_path_exists(const char *path);
/* Makes a folder, unless there is one. Errors: WA_EIO. */
wa_status wa_path_make_folder(const char *path, wa_error *err);
/* `name` as seen from the folder of the file `beside`: unchanged where it is absolute or beside is NULL or "-". NULL: no memory. */
char *wa_path_beside(const wa_env *env, const char *beside, wa_text name);
/* The file that a link leads to, there or not, through other links; the path itself where it is no link. NULL: no memory. */
char *wa_path_follow(const wa_env *env, const char *path);
/* The path from the root, so that it means the same in every working folder: its folder without links and dots, its last name as it is. A
 * folder that is not there stays as it is written. NULL: no memory, or there is no working folder. */
char *wa_path_absolute(const wa_env *env, const char *path);
/* "path" with the ending behind it. NULL: no memory. */
char *wa_path_with(const wa_env *env, const char *path, const char *ending);
/* "folder/name". NULL: no memory. */
char *wa_path_join(const wa_env *env, const char *folder, const char *name);

#endif
