; Observations of the style of Java code; go.scm explains the captures.

(import_declaration) @import

(method_declaration name: (identifier) @name) @function

(formal_parameter name: (identifier) @local)
(local_variable_declaration declarator: (variable_declarator name: (identifier) @local))
(enhanced_for_statement name: (identifier) @local)
(catch_formal_parameter name: (identifier) @local)
(lambda_expression parameters: (identifier) @local)
(inferred_parameters (identifier) @local)
(resource name: (identifier) @local)

; Tests.
((method_declaration (modifiers (marker_annotation name: (identifier) @_a)) name: (identifier) @subject) @case @test-names
  (#any-of? @_a "Test" "ParameterizedTest" "RepeatedTest"))
((marker_annotation name: (identifier) @_a) @subtest (#eq? @_a "ParameterizedTest"))
((method_invocation !object name: (identifier) @subject) @framework
  (#match? @subject "^(assert[A-Z]\\w*|verify|expect)$"))
((method_invocation object: (identifier) @subject) @framework (#any-of? @subject "Assert" "Assertions" "assertThat"))
((method_declaration (modifiers (marker_annotation name: (identifier) @_a))) @test-helpers.before
  (#any-of? @_a "Before" "BeforeEach" "BeforeAll" "BeforeClass"))

; Return types.
((method_declaration type: (generic_type) @_t) @returns.Optional (#match? @_t "^Optional"))
((method_declaration type: (generic_type) @_t) @returns.value (#not-match? @_t "^Optional"))
(method_declaration type: [(type_identifier) (integral_type) (boolean_type)]) @returns.value
((method_declaration type: (generic_type) @_t name: (identifier) @_n) @lookups.Optional
  (#match? @_n "^(find|get|load|fetch|lookup)[A-Z]") (#match? @_t "^Optional"))
((method_declaration type: (type_identifier) name: (identifier) @_n) @lookups.value
  (#match? @_n "^(find|load|fetch|lookup)[A-Z]|^getBy"))

; Errors.
(catch_clause (catch_formal_parameter name: (identifier) @_e)
  body: (block (throw_statement (identifier) @_t) @errors.raw) (#eq? @_e @_t))
((catch_clause (catch_formal_parameter name: (identifier) @_e)
  body: (block (throw_statement (object_creation_expression arguments: (argument_list (identifier) @_t .))) @errors.wrapped))
  (#eq? @_e @_t))
((catch_clause body: (block (throw_statement (object_creation_expression arguments: (argument_list) @_a)) @errors.replaced))
  (#not-match? @_a "\\b(e|ex|exc|exception|cause|t|err|error)\\)$"))
((catch_clause body: (block) @_b) @errors.ignored (#match? @_b "^\\{\\s*(//[^\\n]*\\s*)?\\}$"))
((catch_clause body: (block (expression_statement (method_invocation name: (identifier) @_f)))) @errors.printed
  (#eq? @_f "printStackTrace"))

; Types and names.
(class_declaration name: (identifier) @subject) @types.class
(interface_declaration name: (identifier) @subject) @types.interface
(record_declaration name: (identifier) @subject) @types.record
(enum_declaration name: (identifier) @subject) @types.enum
(record_declaration) @shapes.record
((class_declaration (modifiers (marker_annotation name: (identifier) @_a))) @shapes.lombok (#any-of? @_a "Data" "Value"))
(method_declaration name: (identifier) @subject) @function-names

; Transactions and logging.
((modifiers [(marker_annotation name: (identifier) @_a) (annotation name: (identifier) @_a)]) @transactions.annotation
  (#eq? @_a "Transactional"))
((method_invocation name: (identifier) @_f) @transactions.explicit (#any-of? @_f "setAutoCommit" "commit" "rollback"))
((method_invocation object: (_) @subject name: (identifier) @_f) @logging
  (#any-of? @_f "trace" "debug" "info" "warn" "error"))
((method_invocation object: (_) @_o) @logging.print (#match? @_o "^System\\.(out|err)$"))
