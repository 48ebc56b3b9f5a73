/* The commands of the program `selkirk`; each gets its own argv and returns the exit status. */
#pragma once

int run_main(int argc, char *argv[]);     /* selkirk run */
int vectors_main(int argc, char *argv[]); /* selkirk vectors */
