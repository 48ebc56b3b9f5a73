/* Tries to change and to read files in the folders that it is given, and says how often that was denied. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int denied = 0, tried = 0, seen = 0;
    for (int i = 1; i < argc; i++) {
        char secret[600], new[600], c;
        snprintf(secret, sizeof secret, "%s/secret", argv[i]);
        snprintf(new, sizeof new, "%s/new", argv[i]);
        denied += open(secret, O_RDWR) < 0;
        denied += open(new, O_WRONLY | O_CREAT, 0666) < 0;
        denied += mkdir(new, 0777) < 0;
        denied += unlink(secret) < 0 && rename(secret, "stolen") < 0 && link(secret, "linked") < 0;
        denied += truncate(secret, 0) < 0 && chmod(secret, 0777) < 0;
        tried += 5;
        int fd = open(secret, O_RDONLY);
        seen += fd >= 0 && read(fd, &c, 1) == 1;
        if (fd >= 0 && fchmod(fd, 0777) == 0)
            denied--;
    }
    printf("denied %d of %d, read %d of %d\n", denied, tried, seen, argc - 1);
    return 0;
}
