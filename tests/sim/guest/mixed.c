/* Programs of both word sizes execute one another: mixed COUNT OTHER. Built for i386 and for x86-64. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[1]) : 0, status = 0;
    volatile double third = 1.0;
    third /= 3;
    printf("%zu bytes, %d left, %d arguments, MODE=%s, %.17g\n", sizeof(void *), count, argc, getenv("MODE"), third);
    fflush(stdout);
    if (!count)
        return 5;
    char left[16], *args[] = {argv[2], left, argv[0], "x", NULL};
    snprintf(left, sizeof left, "%d", count - 1);
    setenv("MODE", sizeof(void *) == 8 ? "sixty-four" : "thirty-two", 1);
    /* In a process of its own, and once in this one's place. */
    if (count % 2) {
        pid_t child = fork();
        if (!child) {
            execv(argv[2], args);
            _exit(127);
        }
        waitpid(child, &status, 0);
        printf("%d left: child ended with %d\n", count, WEXITSTATUS(status));
        return WEXITSTATUS(status) + 1;
    }
    execv(argv[2], args);
    return 126;
}
