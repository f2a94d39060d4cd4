// First inputs: the two places in which a file keeps its numbers.
#include "onnx_subset.pb.h"
#include "seed_file.hpp"

using namespace parley;

namespace {

void fill(onnx_subset::Tensor& tensor, const std::string& name, std::initializer_list<int> dims, std::size_t numbers) {
  tensor.set_name(name);
  tensor.set_data_type(1);
  for (const int dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(std::string(numbers * sizeof(float), '\0'));
}

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[1];
  onnx_subset::Model model;
  fill(*model.mutable_graph()->add_initializer(), "x.a.weight", {2, 1}, 2);
  fill(*model.mutable_graph()->add_initializer(), "x.b.bias", {1}, 1);
  fuzz::write_seed(folder, "initializers", as_bytes(model.SerializeAsString()));

  onnx_subset::Model nested;
  auto& branch = *nested.mutable_graph()->add_node()->add_attribute()->mutable_g();
  for (const auto& [name, dims, numbers] :
       {std::tuple{"a.weight", std::initializer_list<int>{2, 1}, 2U}, std::tuple{"b.bias", std::initializer_list<int>{1}, 1U}}) {
    auto& node = *branch.add_node();
    node.add_output(name);
    fill(*node.add_attribute()->mutable_t(), "", dims, numbers);
  }
  fuzz::write_seed(folder, "constants_in_a_branch", as_bytes(nested.SerializeAsString()));
}
