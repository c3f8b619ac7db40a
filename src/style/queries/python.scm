; Observations of the style of Python code; go.scm explains the captures.

(import_statement) @import
(import_from_statement) @import

(function_definition name: (identifier) @name) @function

(parameters (identifier) @local)
(parameters (_ . (identifier) @local))
(lambda_parameters (identifier) @local)
(assignment left: (identifier) @local)
(assignment left: (pattern_list (identifier) @local))
(for_statement left: (identifier) @local)
(for_statement left: (pattern_list (identifier) @local))
(for_in_clause left: (identifier) @local)
(as_pattern_target (identifier) @local)

; Tests.
((function_definition name: (identifier) @subject) @case (#match? @subject "^test"))
((decorator) @subtest (#match? @subtest "parametrize"))
((call function: (attribute attribute: (identifier) @_f)) @subtest (#eq? @_f "subTest"))
(assert_statement) @framework.assert
((call function: (attribute object: (identifier) @_s attribute: (identifier) @_f)) @framework.unittest
  (#eq? @_s "self") (#match? @_f "^assert[A-Z]"))
((decorated_definition (decorator) @_d definition: (function_definition)) @test-helpers.fixture
  (#match? @_d "fixture"))
((function_definition name: (identifier) @_n) @test-helpers.setUp
  (#any-of? @_n "setUp" "setUpClass" "setup_method"))

; Return types.
(function_definition return_type: (_)) @annotations.annotated
(function_definition !return_type) @annotations.none
((function_definition name: (identifier) @_n return_type: (_) @_t) @lookups.optional
  (#match? @_n "^_?(find|get|load|fetch|lookup)_") (#match? @_t "Optional|None"))
((function_definition name: (identifier) @_n return_type: (_) @_t) @lookups.value
  (#match? @_n "^_?(find|get|load|fetch|lookup)_") (#not-match? @_t "Optional|None"))

; Errors.
(except_clause (block (raise_statement cause: (_)) @errors.wrapped))
((except_clause (block (raise_statement) @errors.raw)) (#eq? @errors.raw "raise"))
((except_clause (block (raise_statement !cause) @errors.replaced)) (#not-eq? @errors.replaced "raise"))
(except_clause (block . (pass_statement) .)) @errors.ignored

; Types and names.
((decorated_definition (decorator) @_d definition: (class_definition)) @shapes.dataclass (#match? @_d "dataclass"))
((decorated_definition (decorator) @_d definition: (class_definition)) @shapes.attrs (#match? @_d "^@(attr|attrs|define|frozen)\\b"))
((class_definition superclasses: (argument_list (_) @_s)) @shapes.pydantic (#match? @_s "BaseModel$"))
((class_definition superclasses: (argument_list (_) @_s)) @shapes.TypedDict (#match? @_s "TypedDict$"))
((class_definition superclasses: (argument_list (_) @_s)) @shapes.NamedTuple (#match? @_s "NamedTuple$"))
(class_definition name: (identifier) @subject) @types.class
((class_definition superclasses: (argument_list (_) @_s)) @types.interface (#match? @_s "(Protocol|ABC)$"))
(function_definition name: (identifier) @subject) @function-names

; Transactions and logging.
((with_item value: (call function: (attribute attribute: (identifier) @_f))) @transactions.scoped
  (#any-of? @_f "begin" "atomic" "transaction" "begin_nested"))
((decorator) @transactions.scoped (#match? @transactions.scoped "atomic|transactional"))
((call function: (attribute attribute: (identifier) @_f)) @transactions.explicit (#any-of? @_f "commit" "rollback"))
((call function: (attribute object: (_) @subject attribute: (identifier) @_f)) @logging
  (#any-of? @_f "debug" "info" "warning" "warn" "error" "exception" "critical" "log"))
((call function: (identifier) @_f) @logging.print (#eq? @_f "print"))
