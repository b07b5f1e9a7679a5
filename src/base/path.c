/* Names of files. See path.h. */
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LINKS = 40 }; /* as Linux: more are taken for a circle */

bool wa_path_is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

wa_status wa_path_make_folder(const char *path, wa_error *err)
{
    const int code = mkdir(path, 0777) == 0 ? 0 : errno;

    if (code == 0 || (code == EEXIST && wa_path_is_folder(path)))
        return WA_OK;
    return wa_fail_system(err, path, "cannot make the folder", code);
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

/* The working folder with a relative path behind it. */
static char *behind_working_folder(const wa_env *env, const char *path)
{
    char here[PATH_MAX];

    if (*path == '/')
        return wa_copy_text(env, wa_text_of(path));
    return getcwd(here, sizeof here) ? wa_path_join(env, here, path) : NULL;
}

char *wa_path_absolute(const wa_env *env, const char *path)
{
    const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;
    const bool  is_dot = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !*name;
    char *const folder = wa_copy_text(env, is_dot ? wa_text_of(path) : (wa_text){ path, (size_t)(name - path) });
    char *const real   = folder ? realpath(*folder ? folder : ".", NULL) : NULL;
    char *const found  = !folder  ? NULL
                         : !real  ? behind_working_folder(env, path)
                         : is_dot ? wa_copy_text(env, wa_text_of(real))
                                  : wa_path_join(env, real, name);

    free(real);
    wa_release(env, folder);
    return found;
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

static bool is_link(const char *path)
{
    struct stat about;

    return lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}

/* What a link names, as seen from its folder. */
static char *follow_once(const wa_env *env, const char *path)
{
    char          target[PATH_MAX];
    const ssize_t n = readlink(path, target, sizeof target);

    return wa_path_beside(env, path, (wa_text){ target, n > 0 ? (size_t)n : 0 });
}

/* The system follows links to a file that is there; those to nothing yet are followed here, one after another. What is open and has no
 * name of its own, such as a pipe behind /dev/stdout, keeps that of its link. */
char *wa_path_follow(const wa_env *env, const char *path)
{
    char *const real = is_link(path) ? realpath(path, NULL) : NULL;
    char       *here = wa_copy_text(env, wa_text_of(real ? real : path));

    for (size_t i = 0; here && is_link(here) && !wa_path_exists(here) && i < MOST_LINKS; i++) {
        char *const next = follow_once(env, here);

        wa_release(env, here);
        here = next;
    }
    free(real);
    return here;
}
