; Observations of the style of Go code. A capture `@row.value` is an observation of that row; `@row`
; with `@subject` takes its value from the subject. See src/style/row.rs.

(import_spec) @import

(function_declaration name: (identifier) @name) @function
(method_declaration name: (field_identifier) @name) @function

(parameter_declaration name: (identifier) @local)
(variadic_parameter_declaration name: (identifier) @local)
(short_var_declaration left: (expression_list (identifier) @local))
(range_clause left: (expression_list (identifier) @local))
(receive_statement left: (expression_list (identifier) @local))
(type_switch_statement alias: (expression_list (identifier) @local))
(var_spec name: (identifier) @local)
(const_spec name: (identifier) @local)

; Tests.
((function_declaration name: (identifier) @name) @case
  (#match? @name "^(Test|Benchmark|Fuzz)"))
((function_declaration name: (identifier) @subject) @test-names
  (#match? @subject "^Test."))
((call_expression function: (selector_expression
    operand: (identifier) @_t field: (field_identifier) @_f)) @subtest
  (#eq? @_t "t") (#eq? @_f "Run"))
((call_expression function: (selector_expression
    operand: (identifier) @_t field: (field_identifier) @_f)) @framework.testing
  (#any-of? @_t "t" "tb" "b")
  (#any-of? @_f "Error" "Errorf" "Fatal" "Fatalf" "Fail" "FailNow"))
((call_expression function: (selector_expression operand: (identifier) @subject)) @framework
  (#any-of? @subject "assert" "require" "is" "qt" "check" "must" "expect" "convey"))
((call_expression function: (identifier) @_f) @framework.gomega (#eq? @_f "Expect"))
((function_declaration
    name: (identifier) @_n
    parameters: (parameter_list . (parameter_declaration type: (_) @_p))) @test-helpers.function
  (#match? @_p "^(\\*testing\\.T|testing\\.TB)$") (#not-match? @_n "^(Test|Benchmark|Fuzz)"))

; Return types.
(function_declaration result: (pointer_type [(type_identifier) (qualified_type)] @subject)) @structs.pointer
(method_declaration result: (pointer_type [(type_identifier) (qualified_type)] @subject)) @structs.pointer
(function_declaration result: (parameter_list .
  (parameter_declaration type: (pointer_type [(type_identifier) (qualified_type)] @subject)))) @structs.pointer
(method_declaration result: (parameter_list .
  (parameter_declaration type: (pointer_type [(type_identifier) (qualified_type)] @subject)))) @structs.pointer
(function_declaration result: [(type_identifier) (qualified_type)] @subject) @structs.value
(method_declaration result: [(type_identifier) (qualified_type)] @subject) @structs.value
(function_declaration result: (parameter_list .
  (parameter_declaration type: [(type_identifier) (qualified_type)] @subject))) @structs.value
(method_declaration result: (parameter_list .
  (parameter_declaration type: [(type_identifier) (qualified_type)] @subject))) @structs.value
(type_spec name: (type_identifier) @concrete type: (struct_type))
(composite_literal type: [(type_identifier) (qualified_type)] @concrete)
(pointer_type [(type_identifier) (qualified_type)] @concrete)

; Errors.
((return_statement (expression_list (identifier) @_e .)) @errors.raw
  (#match? @_e "^(err|e|[a-z]\\w*Err)$"))
((return_statement (expression_list (call_expression
    arguments: (argument_list . (interpreted_string_literal) @_s (identifier) @_e)) .)) @errors.flattened
  (#match? @_e "^(err|e|[a-z]\\w*Err)$") (#match? @_s "%[vsq]") (#not-match? @_s "%w"))
((return_statement (expression_list (call_expression
    arguments: (argument_list . (interpreted_string_literal) @_s (identifier) @_e)) .)) @errors.wrapped
  (#match? @_e "^(err|e|[a-z]\\w*Err)$") (#match? @_s "%w"))
((return_statement (expression_list (call_expression
    arguments: (argument_list . (identifier) @_e)) .)) @errors.wrapped
  (#match? @_e "^(err|e|[a-z]\\w*Err)$"))
((assignment_statement
    left: (expression_list . (identifier) @_b .)
    right: (expression_list (call_expression))) @errors.ignored
  (#eq? @_b "_"))
((short_var_declaration
    left: (expression_list (identifier) (identifier) @_b .)
    right: (expression_list (call_expression))) @errors.ignored
  (#eq? @_b "_"))
((call_expression function: (identifier) @_f
    arguments: (argument_list . (identifier) @_e)) @errors.panic
  (#eq? @_f "panic") (#match? @_e "^(err|e)$"))

; Types, tags, names.
(type_spec name: (type_identifier) @subject type: (struct_type)) @types.struct
(type_spec name: (type_identifier) @subject type: (interface_type)) @types.interface
((field_declaration tag: (raw_string_literal) @subject) @tags (#match? @subject "json:"))
(function_declaration name: (identifier) @subject) @function-names
(method_declaration name: (field_identifier) @subject) @function-names
(function_declaration name: (identifier) @subject) @initialisms
(method_declaration name: (field_identifier) @subject) @initialisms
(type_spec name: (type_identifier) @subject) @initialisms
(field_declaration name: (field_identifier) @subject) @initialisms

; Transactions and logging.
((call_expression function: (selector_expression field: (field_identifier) @_f)) @transactions.explicit
  (#any-of? @_f "Begin" "BeginTx" "Beginx" "BeginTxx" "MustBegin"))
((call_expression function: [(selector_expression field: (field_identifier) @_f) (identifier) @_f]
    arguments: (argument_list (func_literal))) @transactions.scoped
  (#match? @_f "^([Ww]ith|[Rr]un|[Ii]n|[Dd]o)?(In)?(Tx|Txn|Transaction|Transact)$"))
((call_expression function: (selector_expression
    operand: (_) @subject field: (field_identifier) @_f)) @logging
  (#match? @_f "^(Trace|Debug|Info|Warn|Warning|Error|Fatal|Panic|Print|Log)(f|ln|w|Context|Ctx)?$"))
