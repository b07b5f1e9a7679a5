/* Names of files. See path.h. */
#include "base/path.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool wa_path_is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool wa_path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *wa_path_join(const wa_env *env, const char *folder, const char *name)
{
    const size_t n    = strlen(folder);
    wa_buf       path = { .env = env };

    wa_buf_str(&path, folder);
    if (n > 0 && folder[n - 1] != '/')
        wa_buf_str(&path, "/");
    wa_buf_add(&path, name, strlen(name) + 1);
    if (path.failed)
        wa_buf_clear(&path);
    return path.data;
}

char *wa_path_beside(const wa_env *env, const char *beside, wa_text name)
{
    wa_buf            path        = { .env = env };
    const char *const slash       = beside ? strrchr(beside, '/') : NULL;
    const bool        is_absolute = name.n_bytes > 0 && name.data[0] == '/';

    if (slash && !is_absolute)
        wa_buf_add(&path, beside, (size_t)(slash - beside) + 1);
    wa_buf_text(&path, name);
    wa_buf_add(&path, "", 1);
    if (path.failed)
        wa_buf_clear(&path);
    return path.data;
}
