# Engines. Target selkirk_func; selkirk_lockstep joins it with the RTL engine, target selkirk_rtl of rtl/.
add_library(selkirk_func STATIC engine_func.c engine_func_code.c engine_func_fast.c engine_func_fp.c engine_func_inject.c
  engine_func_mem.c engine_func_step.c engine_func_vec.c engine_func_x87.c)
target_include_directories(selkirk_func PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(selkirk_func PUBLIC duke_isa)
# Every handler shall have its own indirect jump: the predictor tells them apart by address.
set_source_files_properties(engine_func_fast.c PROPERTIES COMPILE_OPTIONS "-fno-gcse;-fno-crossjumping")

add_executable(engine-speed engine_speed.c)
target_link_libraries(engine-speed PRIVATE selkirk_func)
set_target_properties(engine-speed PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/benchmarks)

add_library(selkirk_lockstep STATIC engine_lockstep.c)
target_link_libraries(selkirk_lockstep PUBLIC selkirk_func $<TARGET_NAME_IF_EXISTS:selkirk_rtl>)

# Random programs, on any engine.
set(have_rtl $<TARGET_EXISTS:selkirk_rtl>)
add_executable(duke-random duke_random.c duke_random_main.c)
target_link_libraries(duke-random PRIVATE selkirk_func $<${have_rtl}:selkirk_lockstep> $<TARGET_NAME_IF_EXISTS:selkirk_rtl>)
target_compile_definitions(duke-random PRIVATE $<${have_rtl}:WITH_RTL>)
