def check(spec, machines):
    pass
