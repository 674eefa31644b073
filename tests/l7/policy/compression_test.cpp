// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/compression.hpp"

#include <gtest/gtest.h>

#include "dataplane/contract/enum_names.hpp"

namespace headgate::l7::policy {
namespace {

using contract::ContentCoding;

const std::vector<ContentCoding> kAll{ContentCoding::kZstd, ContentCoding::kBrotli, ContentCoding::kGzip};

std::string chosen(std::vector<std::string_view> fields) {
  Headers headers;
  for (const auto field : fields) headers.add({"accept-encoding", field, HeaderId::kOther});
  const auto coding = AcceptedCodings::of(headers).choose(kAll);
  return coding ? std::string(contract::name_of(*coding)) : "";
}

TEST(AcceptedCodings, AreChosenFromByWeightThenByPreference) {
  EXPECT_EQ(chosen({}), "");
  EXPECT_EQ(chosen({""}), "");
  EXPECT_EQ(chosen({"gzip"}), "gzip");
  EXPECT_EQ(chosen({"gzip, deflate, br, zstd"}), "zstd");  // as browsers say it
  EXPECT_EQ(chosen({"gzip", "br"}), "br");
  EXPECT_EQ(chosen({"zstd;q=0.5, br;q=0.501 ,\tgzip; q=0.4"}), "br");
  EXPECT_EQ(chosen({"X-GZIP"}), "gzip");
  EXPECT_EQ(chosen({"gzip;Q=1.000"}), "gzip");
}

TEST(AcceptedCodings, KnowStarsAndWhatIsNotWanted) {
  EXPECT_EQ(chosen({"*"}), "zstd");
  EXPECT_EQ(chosen({"*, zstd;q=0"}), "br");
  EXPECT_EQ(chosen({"gzip, *;q=0"}), "gzip");
  EXPECT_EQ(chosen({"gzip;q=0"}), "");
  EXPECT_EQ(chosen({"gzip;q=0.0"}), "");
  EXPECT_EQ(chosen({"identity, gzip;q=0.5"}), "");
  EXPECT_EQ(chosen({"identity;q=0.5, gzip;q=0.5"}), "gzip");
}

TEST(AcceptedCodings, PassOverWhatIsMalformed) {
  EXPECT_EQ(chosen({"gzip;q=2"}), "");
  EXPECT_EQ(chosen({"gzip;q=0.1234"}), "");
  EXPECT_EQ(chosen({"gzip;q="}), "");
  EXPECT_EQ(chosen({"gzip;q=.5"}), "");
  EXPECT_EQ(chosen({"gzip;q=1.001"}), "");
  EXPECT_EQ(chosen({"gzip;level=9"}), "");
  EXPECT_EQ(chosen({"zstd;q=x, ,, br"}), "br");
  EXPECT_EQ(chosen({"gzipped"}), "");
}

class CompressHead : public testing::Test {
 protected:
  CompressHead() {
    response_.has_content_length = true;
    response_.content_length = 5000;
    response_.framing = BodyFraming::kLength;
    response_.headers.add(HeaderId::kContentType, "Text/HTML; charset=utf-8");
    Headers request;
    request.add({"accept-encoding", "gzip", HeaderId::kOther});
    accepted_ = AcceptedCodings::of(request);
  }
  bool compress() {
    const contract::Compression compression{
        .codings = kAll, .types = {"text/*", "application/json"}, .bytes_min = 1024};
    return compress_head(compression, accepted_, response_, arena_).has_value();
  }
  std::string_view value(std::string_view name) const {
    const auto* field = response_.headers.find(name);
    return field ? field->value : std::string_view("none");
  }

  Arena arena_;
  ResponseHead response_;
  AcceptedCodings accepted_;
};

TEST_F(CompressHead, SaysWhatTheBodyIsThen) {
  response_.headers.add({"etag", "\"v1\"", HeaderId::kOther});
  response_.headers.add({"accept-ranges", "bytes", HeaderId::kOther});
  response_.headers.add({"vary", "Origin", HeaderId::kOther});
  EXPECT_TRUE(compress());
  EXPECT_EQ(value("content-encoding"), "gzip");
  EXPECT_EQ(value("etag"), "W/\"v1\"");
  EXPECT_EQ(value("accept-ranges"), "none");  // is gone
  EXPECT_FALSE(response_.has_content_length);
  EXPECT_EQ(response_.framing, BodyFraming::kChunked);
  EXPECT_EQ(response_.headers.size(), 5u);  // two of vary
}

TEST_F(CompressHead, TellsCachesAlsoWhereTheClientGetsItAsItIs) {
  accepted_ = {};
  EXPECT_FALSE(compress());
  EXPECT_EQ(value("vary"), "Accept-Encoding");
  EXPECT_EQ(value("content-encoding"), "none");
  EXPECT_FALSE(compress());
  EXPECT_EQ(response_.headers.size(), 2u);  // once is enough
}

TEST_F(CompressHead, LeavesWhatIsShortOrOfAnotherType) {
  response_.content_length = 1023;
  EXPECT_FALSE(compress());
  response_.has_content_length = false;  // nobody knows how long
  response_.headers.remove(HeaderId::kContentType);
  EXPECT_FALSE(compress());
  for (const auto* type : {"image/png", "text", "textual/x", "application/jsonx"}) {
    response_.headers.remove(HeaderId::kContentType);
    response_.headers.add(HeaderId::kContentType, type);
    EXPECT_FALSE(compress()) << type;
  }
  EXPECT_EQ(value("vary"), "none");
}

TEST_F(CompressHead, LeavesWhatHasACodingOrIsAPart) {
  for (const uint16_t status : {101, 103, 204, 205, 206, 304}) {
    response_.status = status;
    EXPECT_FALSE(compress()) << status;
  }
  response_.status = 404;
  response_.headers.add({"cache-control", "max-age=5, No-Transform", HeaderId::kOther});
  EXPECT_FALSE(compress());
  response_.headers.remove("cache-control");
  response_.headers.add({"content-encoding", "br", HeaderId::kOther});
  EXPECT_FALSE(compress());
  response_.headers.remove("content-encoding");
  EXPECT_TRUE(compress());
}

}  // namespace
}  // namespace headgate::l7::policy
