# duke-run: programs compiled by duke-cc, on any engine.
add_executable(duke-run duke_run.c)
target_include_directories(duke-run PRIVATE ${CMAKE_SOURCE_DIR}/morph)
target_link_libraries(duke-run PRIVATE selkirk_func $<${have_rtl}:selkirk_lockstep> $<TARGET_NAME_IF_EXISTS:selkirk_rtl>)
target_compile_definitions(duke-run PRIVATE $<${have_rtl}:WITH_RTL>)
