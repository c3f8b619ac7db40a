; Observations of the style of JavaScript and TypeScript code; go.scm explains the captures.

(import_statement) @import

(function_declaration name: (identifier) @name) @function
(generator_function_declaration name: (identifier) @name) @function
(method_definition name: (property_identifier) @name) @function
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)] @function)

(formal_parameters (_) @local)
(arrow_function parameter: (identifier) @local)
(variable_declarator name: (_) @local)
(for_in_statement left: (_) @local)
(catch_clause parameter: (identifier) @local)

; Tests.
((call_expression function: (identifier) @_f) @case (#any-of? @_f "it" "test"))
((call_expression function: (identifier) @_f) @test-names.it (#eq? @_f "it"))
((call_expression function: (identifier) @_f) @test-names.test (#eq? @_f "test"))
((call_expression function: (identifier) @_f) @subtest (#eq? @_f "describe"))
((call_expression function: (identifier) @subject) @framework (#any-of? @subject "expect" "assert"))
((call_expression function: (member_expression object: (identifier) @subject)) @framework
  (#any-of? @subject "assert" "t" "sinon"))
((call_expression function: (identifier) @_f) @test-helpers.beforeEach (#any-of? @_f "beforeEach" "beforeAll"))

; Errors.
(catch_clause parameter: (identifier) @_e body: (statement_block (throw_statement (identifier) @_t) @errors.raw)
  (#eq? @_e @_t))
((catch_clause body: (statement_block (throw_statement (new_expression arguments: (arguments) @_a)) @errors.wrapped))
  (#match? @_a "cause"))
((catch_clause body: (statement_block (throw_statement (new_expression arguments: (arguments) @_a)) @errors.replaced))
  (#not-match? @_a "cause"))
((catch_clause body: (statement_block) @_b) @errors.ignored (#match? @_b "^\\{\\s*(//[^\\n]*\\s*)?\\}$"))

; Names.
(function_declaration name: (identifier) @subject) @function-names
(method_definition name: (property_identifier) @subject) @function-names
(variable_declarator name: (identifier) @subject value: [(arrow_function) (function_expression)]) @function-names

; Transactions and logging.
((call_expression function: (member_expression property: (property_identifier) @_f)
    arguments: (arguments [(arrow_function) (function_expression)])) @transactions.scoped
  (#match? @_f "^\\$?(transaction|withTransaction|inTransaction)$"))
((call_expression function: (member_expression property: (property_identifier) @_f)) @transactions.explicit
  (#any-of? @_f "commit" "rollback" "beginTransaction"))
((call_expression function: (member_expression object: (_) @subject property: (property_identifier) @_f)) @logging
  (#any-of? @_f "log" "trace" "debug" "info" "warn" "error"))

(class_declaration name: (_) @subject) @types.class
