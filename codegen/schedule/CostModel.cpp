#include "codegen/schedule/CostModel.h"

namespace weft {

const std::vector<CostModel::Parameter> &CostModel::parameters() {
  static const std::vector<Parameter> parameters{
      {"thread-operations", &CostModel::threadOperations, {100000, 1000000}},
      {"lane-block", &CostModel::laneBlock, {2048, 32768}},
      {"widest-strip", &CostModel::widestStrip, {256, 512}},
      {"column-piece", &CostModel::columnPiece, {128, 1024}},
      {"unrolled-operations", &CostModel::unrolledOperations, {30, 300}},
      {"costly", &CostModel::costly, {5, 30}},
      {"product-rows", &CostModel::productRows, {256, 512}},
      {"product-columns", &CostModel::productColumns, {64, 256}},
      {"wide-rows", &CostModel::wideRows, {64, 256}},
      {"pack-elements", &CostModel::packElements, {1 << 14, 1 << 18}},
      {"few-products", &CostModel::fewProducts, {2, 8}},
      {"vector-columns", &CostModel::vectorColumns, {128, 256}},
      {"attention-elements", &CostModel::attentionElements, {1 << 15, 1 << 17}},
  };
  return parameters;
}

} // namespace weft
