Feature: What a server answers about a flag

  # In the steps of OpenFeature's own suite, so that both files play through the same code; the scenarios are ours.

  Scenario Outline: A value of each type, with its variant
    Given a <type>-flag with key "<key>" and a fallback value "<fallback>"
    When the flag was evaluated with details
    Then the resolved details value should be "<value>"
    And the variant should be "<variant>"
    And the flag key should be "<key>"
    And the reason should be "STATIC"

    Examples:
      | type    | key          | fallback | value                                                                                     | variant  |
      | Boolean | boolean-flag | false    | true                                                                                      | on       |
      | String  | string-flag  | bye      | hi                                                                                        | greeting |
      | Integer | integer-flag | 1        | 10                                                                                        | ten      |
      | Float   | float-flag   | 0.1      | 0.5                                                                                       | half     |
      | Object  | object-flag  | {}       | {"showImages": true, "title": "Check out these pics!", "imagesPerPage": 100}              | template |

  Scenario Outline: Nothing of each type is a value, not the fallback
    Given a <type>-flag with key "<key>" and a fallback value "<fallback>"
    When the flag was evaluated with details
    Then the resolved details value should be "<value>"
    And the variant should be "zero"

    Examples:
      | type    | key               | fallback   | value |
      | Boolean | boolean-zero-flag | true       | false |
      | String  | string-zero-flag  | bye        |       |
      | Integer | integer-zero-flag | 1          | 0     |
      | Float   | float-zero-flag   | 0.1        | 0.0   |
      | Object  | object-zero-flag  | {"a": 1}   | {}    |

  Scenario Outline: A flag for some is theirs by the context
    Given a <type>-flag with key "<key>" and a fallback value "<fallback>"
    And a context containing a key "email", with type "String" and with value "ballmer@macrosoft.com"
    When the flag was evaluated with details
    Then the resolved details value should be "<value>"
    And the reason should be "TARGETING_MATCH"

    Examples:
      | type    | key                        | fallback | value |
      | Boolean | boolean-targeted-zero-flag | true     | false |
      | String  | string-targeted-zero-flag  | bye      |       |
      | Integer | integer-targeted-zero-flag | 1        | 0     |
      | Float   | float-targeted-zero-flag   | 0.1      | 0.0   |
      | Object  | object-targeted-zero-flag  | {"a": 1} | {}    |

  Scenario Outline: Others get the code's own value
    Given a <type>-flag with key "<key>" and a fallback value "<fallback>"
    And a context containing a key "email", with type "String" and with value "somebody@else.example"
    When the flag was evaluated with details
    Then the resolved details value should be "<fallback>"

    Examples:
      | type    | key                        | fallback |
      | Boolean | boolean-targeted-zero-flag | true     |
      | String  | string-targeted-zero-flag  | bye      |
      | Integer | integer-targeted-zero-flag | 7        |
      | Float   | float-targeted-zero-flag   | 0.1      |
      | Object  | object-targeted-zero-flag  | {"a": 1} |

  Scenario Outline: A flag that is switched off leaves it to the code
    Given a <type>-flag with key "<key>" and a fallback value "<fallback>"
    When the flag was evaluated with details
    Then the resolved details value should be "<fallback>"
    And the reason should be "DISABLED"

    Examples:
      | type    | key                   | fallback |
      | Boolean | boolean-disabled-flag | true     |
      | String  | string-disabled-flag  | bye      |
      | Integer | integer-disabled-flag | 7        |
      | Float   | float-disabled-flag   | 0.1      |
      | Object  | object-disabled-flag  | {"a": 1} |

  Scenario: A condition of several kinds
    Given a String-flag with key "complex-targeted" and a fallback value "EXTERNAL"
    And a context containing a key "email", with type "String" and with value "ballmer@macrosoft.com"
    And a context containing a key "customer", with type "Boolean" and with value "false"
    And a context containing a key "age", with type "Integer" and with value "11"
    When the flag was evaluated with details
    Then the resolved details value should be "INTERNAL"
    And the variant should be "internal"

  Scenario: A condition that one field doesn't meet
    Given a String-flag with key "complex-targeted" and a fallback value "EXTERNAL"
    And a context containing a key "email", with type "String" and with value "ballmer@macrosoft.com"
    And a context containing a key "customer", with type "Boolean" and with value "false"
    And a context containing a key "age", with type "Integer" and with value "10"
    When the flag was evaluated with details
    Then the resolved details value should be "EXTERNAL"

  Scenario Outline: A flag that there isn't
    Given a <type>-flag with key "missing-flag" and a fallback value "<fallback>"
    When the flag was evaluated with details
    Then the resolved details value should be "<fallback>"
    And the reason should be "ERROR"
    And the error-code should be "FLAG_NOT_FOUND"

    Examples:
      | type    | fallback |
      | Boolean | true     |
      | String  | bye      |
      | Integer | 7        |
      | Float   | 0.1      |
      | Object  | {"a": 1} |

  Scenario Outline: A flag of another type
    Given a <type>-flag with key "<key>" and a fallback value "<fallback>"
    When the flag was evaluated with details
    Then the resolved details value should be "<fallback>"
    And the reason should be "ERROR"
    And the error-code should be "TYPE_MISMATCH"

    Examples:
      | type    | key          | fallback |
      | Boolean | string-flag  | true     |
      | Integer | string-flag  | 7        |
      | String  | integer-flag | bye      |
      | Object  | float-flag   | {"a": 1} |
