; What TypeScript has and JavaScript does not; the query of TypeScript is javascript.scm and this.

(function_declaration return_type: (_)) @annotations.annotated
(function_declaration !return_type) @annotations.none
(method_definition return_type: (_)) @annotations.annotated
((function_declaration name: (identifier) @_n return_type: (_) @_t) @lookups.null
  (#match? @_n "^(find|get|load|fetch|lookup)[A-Z]") (#match? @_t "\\bnull\\b"))
((method_definition name: (_) @_n return_type: (_) @_t) @lookups.null
  (#match? @_n "^(find|get|load|fetch|lookup)[A-Z]") (#match? @_t "\\bnull\\b"))
((function_declaration name: (identifier) @_n return_type: (_) @_t) @lookups.undefined
  (#match? @_n "^(find|get|load|fetch|lookup)[A-Z]") (#match? @_t "\\bundefined\\b"))
((method_definition name: (_) @_n return_type: (_) @_t) @lookups.undefined
  (#match? @_n "^(find|get|load|fetch|lookup)[A-Z]") (#match? @_t "\\bundefined\\b"))

(interface_declaration name: (type_identifier) @subject) @types.interface
(type_alias_declaration name: (type_identifier) @subject) @types.alias
(enum_declaration name: (identifier) @subject) @types.enum
(interface_declaration) @shapes.interface
(type_alias_declaration value: (object_type)) @shapes.type
