/* The saved context: r1, r2, r18..r27, r56..r58. One memory op a bundle: some machines have one memory lane. */
    .text
    .globl setjmp
    .type setjmp, @function
setjmp:
    stn.d r1, [r4]
    stn.d r2, [r4 + 8]
    stn.d r18, [r4 + 16]
    stn.d r19, [r4 + 24]
    stn.d r20, [r4 + 32]
    stn.d r21, [r4 + 40]
    stn.d r22, [r4 + 48]
    stn.d r23, [r4 + 56]
    stn.d r24, [r4 + 64]
    stn.d r25, [r4 + 72]
    stn.d r26, [r4 + 80]
    stn.d r27, [r4 + 88]
    stn.d r56, [r4 + 96]
    stn.d r57, [r4 + 104]
    stn.d r58, [r4 + 112]
    li r4, 0 ~
    ret r1
    .size setjmp, .-setjmp

    .globl longjmp
    .type longjmp, @function
longjmp:
    ldn.d r1, [r4]
    ldn.d r2, [r4 + 8]
    ldn.d r18, [r4 + 16]
    ldn.d r19, [r4 + 24]
    ldn.d r20, [r4 + 32]
    ldn.d r21, [r4 + 40]
    ldn.d r22, [r4 + 48]
    ldn.d r23, [r4 + 56]
    ldn.d r24, [r4 + 64]
    ldn.d r25, [r4 + 72]
    ldn.d r26, [r4 + 80]
    ldn.d r27, [r4 + 88]
    ldn.d r56, [r4 + 96]
    ldn.d r57, [r4 + 104]
    ldn.d r58, [r4 + 112]
    seq.i r6, r5, 0
    add r4, r5, r6 ~
    ret r1
    .size longjmp, .-longjmp
