/* Names of files. See path.h. */
#include "base/path.h"

#include <limits.h>
#include <stdlib.h>
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

char *wa_path_with(const wa_env *env, const char *path, const char *ending)
{
    wa_buf name = { .env = env };

    wa_buf_str(&name, path);
    wa_buf_str(&name, ending);
    wa_buf_add(&name, "", 1);
    if (!name.failed)
        return name.data;
    wa_buf_clear(&name);
    return NULL;
}

char *wa_path_follow(const wa_env *env, const char *path)
{
    struct stat about;
    char        target[PATH_MAX];

    if (lstat(path, &about) != 0 || !S_ISLNK(about.st_mode))
        return wa_copy_text(env, wa_text_of(path));
    char *const   real = realpath(path, NULL);
    const ssize_t n    = real ? -1 : readlink(path, target, sizeof target); /* a link to nothing yet */
    char *const   copy =
        n > 0 ? wa_path_beside(env, path, (wa_text){ target, (size_t)n }) : wa_copy_text(env, wa_text_of(real ? real : path));

    free(real);
    return copy;
}
