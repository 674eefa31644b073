// SPDX-License-Identifier: Apache-2.0
// Names a struct's members once, beside the struct; codec.cpp walks them to write and read JSON. So a new
// field is one line here, and no header of the contract knows a JSON library. Pure; any thread.
#pragma once

#include <string_view>
#include <tuple>

namespace headgate::contract {

template <typename Owner, typename Member>
struct Field {
  std::string_view name;
  Member Owner::*member;
};

template <typename Owner, typename Member>
constexpr Field<Owner, Member> field(std::string_view name, Member Owner::*member) {
  return {name, member};
}

}  // namespace headgate::contract
