/* Prints its arguments and its environment. */
#include <stdio.h>

int main(int argc, char **argv, char **env)
{
    for (int i = 1; i < argc; i++)
        puts(argv[i]);
    for (; *env; env++)
        puts(*env);
    return 0;
}
