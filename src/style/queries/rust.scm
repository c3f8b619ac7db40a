; Observations of the style of Rust code; go.scm explains the captures.

(use_declaration) @import

(function_item name: (identifier) @name) @function

(parameter pattern: (_) @local)
(let_declaration pattern: (_) @local)
(let_condition pattern: (_) @local)
(for_expression pattern: (_) @local)
(closure_parameters (_) @local)
(match_pattern (_) @local)

; Tests.
((attribute_item (attribute (identifier) @_a arguments: (token_tree (identifier) @_t)))
  . (attribute_item)* . (mod_item) @test-scope
  (#eq? @_a "cfg") (#eq? @_t "test"))
((attribute_item) @_a . [(attribute_item) (line_comment)]* . (function_item name: (identifier) @subject) @case @test-names
  (#match? @_a "^#\\[([a-z_]+::)?(test|rstest|test_case|test_log)\\b"))
((attribute_item) @subtest (#match? @subtest "^#\\[(case|test_case)\\b"))
((macro_invocation macro: (identifier) @subject) @framework
  (#match? @subject "^(assert|assert_eq|assert_ne|assert_snapshot|assert_debug_snapshot|proptest|prop_assert|prop_assert_eq|quickcheck|assert_that|expect)$"))
((macro_invocation macro: (scoped_identifier) @subject) @framework
  (#match? @subject "::(assert\\w*|proptest)$"))

; Return types.
((function_item return_type: (generic_type type: (_) @_t)) @returns.Result (#match? @_t "Result$"))
((function_item return_type: (scoped_type_identifier) @_t) @returns.Result (#match? @_t "Result$"))
((function_item return_type: (generic_type type: (_) @_t)) @returns.Option (#eq? @_t "Option"))
((function_item return_type: (generic_type type: (_) @_t)) @returns.value
  (#not-match? @_t "(Result|Option)$"))
((function_item return_type: [(type_identifier) (primitive_type) (tuple_type) (scoped_type_identifier) (array_type)] @_t) @returns.value
  (#not-match? @_t "Result$"))
(function_item return_type: (reference_type)) @returns.reference
(function_item return_type: [(abstract_type) (dynamic_type)]) @returns.trait
((function_item name: (identifier) @_n return_type: (generic_type type: (_) @_t)) @lookups.Result
  (#match? @_n "^(find|get|load|fetch|lookup|read)_") (#match? @_t "Result$"))
((function_item name: (identifier) @_n return_type: (generic_type type: (_) @_t)) @lookups.Option
  (#match? @_n "^(find|get|load|fetch|lookup|read)_") (#eq? @_t "Option"))

; Errors.
((function_item return_type: (generic_type type: (_) @_t type_arguments: (type_arguments (_) . (_) @_e .))) @error-types.boxed
  (#match? @_t "Result$") (#match? @_e "^Box<\\s*dyn"))
((function_item return_type: (generic_type type: (_) @_t type_arguments: (type_arguments (_) . (_) @_e .))) @error-types.text
  (#match? @_t "Result$") (#match? @_e "^(String|&'static str)$"))
((function_item return_type: (generic_type type: (_) @_t type_arguments: (type_arguments (_) . (_) @_e .))) @error-types.typed
  (#match? @_t "Result$") (#not-match? @_e "^(Box<\\s*dyn.*|String|&'static str|anyhow::Error|eyre::Report)$"))
((function_item return_type: (generic_type type: (_) @subject type_arguments: (type_arguments . (_) .))) @error-types
  (#match? @subject "Result$"))
((try_expression (call_expression function: (field_expression field: (field_identifier) @_f))) @errors.wrapped
  (#any-of? @_f "context" "with_context" "wrap_err" "wrap_err_with" "map_err" "change_context"))
((try_expression (call_expression function: (field_expression field: (field_identifier) @_f))) @errors.raw
  (#not-any-of? @_f "context" "with_context" "wrap_err" "wrap_err_with" "map_err" "change_context" "ok_or" "ok_or_else" "ok" "next" "get" "first" "last"))
(try_expression (call_expression function: [(identifier) (scoped_identifier) (generic_function)])) @errors.raw
(try_expression (await_expression)) @errors.raw
((call_expression function: (field_expression field: (field_identifier) @_f)) @errors.panic
  (#any-of? @_f "unwrap" "expect"))
(let_declaration pattern: "_" value: [(call_expression) (await_expression)]) @errors.ignored
((expression_statement (call_expression function: (field_expression field: (field_identifier) @_f))) @errors.ignored
  (#eq? @_f "ok"))

; Types, tags, names.
(struct_item name: (type_identifier) @subject) @types.struct
(enum_item name: (type_identifier) @subject) @types.enum
(trait_item name: (type_identifier) @subject) @types.trait
(type_item name: (type_identifier) @subject) @types.alias
((attribute_item) @tags.camelCase (#match? @tags.camelCase "rename_all\\s*=\\s*\"camelCase\""))
((attribute_item) @tags.snake_case (#match? @tags.snake_case "rename_all\\s*=\\s*\"snake_case\""))
((attribute_item) @tags.kebab-case (#match? @tags.kebab-case "rename_all\\s*=\\s*\"kebab-case\""))
(function_item name: (identifier) @subject) @function-names

; Transactions and logging.
((call_expression function: (field_expression field: (field_identifier) @_f) arguments: (arguments) @_a) @transactions.explicit
  (#eq? @_a "()") (#any-of? @_f "begin" "begin_transaction" "start_transaction" "transaction" "unchecked_transaction"))
((call_expression function: (field_expression field: (field_identifier) @_f)
    arguments: (arguments [(closure_expression) (async_block)])) @transactions.scoped
  (#match? @_f "^(with_|in_|run_)?(tx|transaction)$"))
((macro_invocation macro: [(identifier) (scoped_identifier)] @subject) @logging
  (#match? @subject "^(log::|tracing::)?(trace|debug|info|warn|error)$"))
((macro_invocation macro: (identifier) @_m) @logging.println (#any-of? @_m "println" "eprintln"))
