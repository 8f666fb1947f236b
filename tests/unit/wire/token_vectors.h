/* tests/unit/wire/token_vectors.h - keys and tokens made by another implementation.
 *
 * Every token says {"sub":"42"}; RS is signed with RSA_PEM, ES256 with P256_PEM, ES384 with
 * P384_PEM unless the name says otherwise. The private halves were thrown away.
 */
#ifndef BELFRY_TESTS_UNIT_WIRE_TOKEN_VECTORS_H
#define BELFRY_TESTS_UNIT_WIRE_TOKEN_VECTORS_H

#define RSA_PEM                                                              \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnqv9+XoRHJXkRGtpNV0s\n" \
	"wydmY0dJqBEaS7MN8RryQAiWjjzRkJ1cXTIiJVR66fjz/yFLTHw9y6mXDtMPprpi\n" \
	"BswwP07kxlwXrzE1y3DeUoZNIIP1rPLgEZpzQ9onQH2nRghovRHnqZmzWr5y4I+3\n" \
	"0wSuxQYrHfYX8W3q5mM3SwAXCZOuCA9HIZ1kzCxvezxN699zY3TH9AtLiDcZ5Go2\n" \
	"0rO1NfAXA2BiqTABu7Yfa19py/1kj2AmudDZ9DBMoTekeVxiCLgOd1wGGGviXnl+\n" \
	"jXgBJeoUcm6G4FVq5johKFh87EiTos62qnlV7iiqXU4V90O0ukCgxLVCC9ddCt2v\n" \
	"rwIDAQAB\n"                                                         \
	"-----END PUBLIC KEY-----\n"

#define RSA_PKCS1_PEM                                                        \
	"-----BEGIN RSA PUBLIC KEY-----\n"                                   \
	"MIIBCgKCAQEAnqv9+XoRHJXkRGtpNV0swydmY0dJqBEaS7MN8RryQAiWjjzRkJ1c\n" \
	"XTIiJVR66fjz/yFLTHw9y6mXDtMPprpiBswwP07kxlwXrzE1y3DeUoZNIIP1rPLg\n" \
	"EZpzQ9onQH2nRghovRHnqZmzWr5y4I+30wSuxQYrHfYX8W3q5mM3SwAXCZOuCA9H\n" \
	"IZ1kzCxvezxN699zY3TH9AtLiDcZ5Go20rO1NfAXA2BiqTABu7Yfa19py/1kj2Am\n" \
	"udDZ9DBMoTekeVxiCLgOd1wGGGviXnl+jXgBJeoUcm6G4FVq5johKFh87EiTos62\n" \
	"qnlV7iiqXU4V90O0ukCgxLVCC9ddCt2vrwIDAQAB\n"                         \
	"-----END RSA PUBLIC KEY-----\n"

#define RSA_OTHER_PEM                                                        \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAmpqpH7oZTL/0+UgJdS9f\n" \
	"NzmiXJFghhtqpzF0V8PPsblvWwHBadt59nW6x9q2b7hKvU93n3tVVQA8sZRI0dDr\n" \
	"9K+ig8BB2QHwWfo2DvHDcOY6hIW+B9Fc2zOikYZtRgWXUncYhLaDKaxGa21OYGOT\n" \
	"nJZ7XgIrd7tub4ZSbS6+ijtbAAFBHqCkjVJccYHmAHSdA3Y8wCeeUfJ7RaB7Oo4S\n" \
	"zusqaXrU6RWkbDcehjz/EMygqbXhDefNB+17vYu86FiI+YGGtfs5Xi4iLCSDMIzi\n" \
	"+xMFOwEnxIi6t3xrN/cAqAKgyGEU080tC4QQ6d4XnZtD9tT3p2Wo3glk1CdLVmo9\n" \
	"XQIDAQAB\n"                                                         \
	"-----END PUBLIC KEY-----\n"

#define RSA_CERTIFICATE                                                      \
	"-----BEGIN CERTIFICATE-----\n"                                      \
	"MIICqzCCAZOgAwIBAgIBBzANBgkqhkiG9w0BAQsFADAZMRcwFQYDVQQDDA5pc3N1\n" \
	"ZXIuZXhhbXBsZTAeFw0yMDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBkxFzAV\n" \
	"BgNVBAMMDmlzc3Vlci5leGFtcGxlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIB\n" \
	"CgKCAQEAnqv9+XoRHJXkRGtpNV0swydmY0dJqBEaS7MN8RryQAiWjjzRkJ1cXTIi\n" \
	"JVR66fjz/yFLTHw9y6mXDtMPprpiBswwP07kxlwXrzE1y3DeUoZNIIP1rPLgEZpz\n" \
	"Q9onQH2nRghovRHnqZmzWr5y4I+30wSuxQYrHfYX8W3q5mM3SwAXCZOuCA9HIZ1k\n" \
	"zCxvezxN699zY3TH9AtLiDcZ5Go20rO1NfAXA2BiqTABu7Yfa19py/1kj2AmudDZ\n" \
	"9DBMoTekeVxiCLgOd1wGGGviXnl+jXgBJeoUcm6G4FVq5johKFh87EiTos62qnlV\n" \
	"7iiqXU4V90O0ukCgxLVCC9ddCt2vrwIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQCY\n" \
	"/VSnFpH5pzCzCwDRtn4yp0ZckNIduAKRNPi2vIJSVGQNwdihajl4AByK6gQ62rjt\n" \
	"X5r4BpUL31GVPIS9KMpOCeVyUSbd/5bI6hOrpQcguY/O+vTLh+THSA1V20UY5Knr\n" \
	"OcDnD3T6o4B+6EZTz+jJHQReJ5jrs/54MKjtL9GtoNtSs+RBtfkqdS51k2SAKL+r\n" \
	"BGy7ZIk0MVxUkSEGOjHuKk3t4hxzN0zgLBa+HsQroSZxkSeKsoGfHaHRFqzEveZl\n" \
	"BNh8RZidQCqf7pksghtrB1qhvSWSM6dZ67ohShtAc1XWeS/FYwJA7d6rKOzqYjjJ\n" \
	"lXjI2w5bzjJL3ujrqSFN\n"                                             \
	"-----END CERTIFICATE-----\n"

#define RSA_1024_PEM                                                         \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCwVxCbBVEnLcbKhB4vR5DeEEQ6\n" \
	"qV4AaxgSe6xWTeF6rBkMx15qq9PJwH3EGB+9CBaBthmzuSxTlL4C7pMs4CFwf/2v\n" \
	"uOI5ukHdHkoeXeeR4fB6eNHRugyMY01QwhsSnLl1Nr0RRuq+EthP7Q3VeWSNWLDY\n" \
	"stSUAvuuufgWN4SuVQIDAQAB\n"                                         \
	"-----END PUBLIC KEY-----\n"

#define P256_PEM                                                             \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/9UQRx6yj0MiE1oIagQvW/KXcryH\n" \
	"Hx9gwbTaJt22X9EOnSAISEHcK/NgQaGm8c8sMV6FUVV6YbY40AnaKrsqeA==\n"     \
	"-----END PUBLIC KEY-----\n"

#define P256_OTHER_PEM                                                       \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsQM7pVu9fecrkoI80Ey2vOuznIpo\n" \
	"viG52huqST5qCezZjz/OwpMmclPK9kzgfBhNthSUk0dRn7p0D601QAMOJA==\n"     \
	"-----END PUBLIC KEY-----\n"

#define P256_CERTIFICATE                                                     \
	"-----BEGIN CERTIFICATE-----\n"                                      \
	"MIIBHTCBxaADAgECAgEHMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDmlzc3Vlci5l\n" \
	"eGFtcGxlMB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowGTEXMBUGA1UE\n" \
	"AwwOaXNzdWVyLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT/1RBH\n" \
	"HrKPQyITWghqBC9b8pdyvIcfH2DBtNom3bZf0Q6dIAhIQdwr82BBoabxzywxXoVR\n" \
	"VXphtjjQCdoquyp4MAoGCCqGSM49BAMCA0cAMEQCID4Z+2Ih8tkc+aiqDF5sanmD\n" \
	"smf72ZCg/fYF3citSRGpAiAajy++xwFagkpTPNmswgSF0tMhJTO7LkM1YSOTiVSk\n" \
	"qg==\n"                                                             \
	"-----END CERTIFICATE-----\n"

#define P384_PEM                                                             \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEMaW7oqw0i5uKaowZDudZZYzQjgyC+K92\n" \
	"3ySHZOQ4plRL14eAg10ZgdYqyLVFilzDibDXUC0QMZdgYr6/ACbliGexvn3khHSO\n" \
	"4tFoxRJUWom/Ao8Dvq+luOs01Xpbzzlz\n"                                 \
	"-----END PUBLIC KEY-----\n"

#define P521_PEM                                                             \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQA56WXqsWj5HEUSF76l6yQ4AmAZoqH\n" \
	"C0BTh1yPK//ktJhIybU1jDJdFkBvYIoZL4Mhlc+MmVLQ8nQ0BPbKWn/n1/0B6ue7\n" \
	"nF1hvINopwsykmuqOpfa5ETDjA+8wv9EcskiFLmTAVqTajZiiFOWJeyl2vihf4O3\n" \
	"1LRwe2BfRA+Y/8HZoII=\n"                                             \
	"-----END PUBLIC KEY-----\n"

#define ED25519_PEM                                                      \
	"-----BEGIN PUBLIC KEY-----\n"                                   \
	"MCowBQYDK2VwAyEAil81Yeuk80j37epB8MH6SrPp6Yn7JuKToOlgOOX56AY=\n" \
	"-----END PUBLIC KEY-----\n"

#define K1_PEM                                                               \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEAHzuazkAq0Yf4qMFbpYxuE3O6JDXBx4X\n" \
	"2dVCSKvFks6Y8Z8Bt5JMhNWCIyjEHUyXQ3bqInwEWtX8mPKAeQsmdg==\n"         \
	"-----END PUBLIC KEY-----\n"

#define TOKEN_RS256                                                        \
	"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.TXRBoMB-y8UneRhMbqahBydWQ9" \
	"RGXT6DXljY3RH2C15J4T8ec-RkormFYTEPQ2pIe2cjs645xx7wru-7ojy-YZ83-P" \
	"sxJxOiLsx8EdE9RAtPfu6Vn6KufWxSoTdMfboYLZrIGy5C-CKp1fJk7UfatePaIp" \
	"XxDtYumiNc5KK4UzxQVr1tizX1xa-0_hdThpCNo4wgTVjQN0ImxDj4aDdqjOc0xe" \
	"E-WYJIwRIB427gwKLUGlSsGLnx5G7fdiYg1x9xg-G4guPaj9D9Oaln750Oh4VbKi" \
	"9udK_BZXFeUX2hdwMRYyfCfFVajG5tGoruRqok7Fj_MZgqJ4tAmNwDvSX7qQ"

#define TOKEN_RS384                                                        \
	"eyJhbGciOiJSUzM4NCJ9.eyJzdWIiOiI0MiJ9.X8CP8nhy-OzAGpmr_vQJNOURs_" \
	"vNdxTJRW2LkogD-_V0S_s4PmiOYRIrkIH0E-z0mXxGPt_0qxAhJdx8WHPWApouK_" \
	"zb9MKCTcNtUJi5UJ9LtWbRzpYnggE7frFGQr7VXCt9UCS15mtcLeBRJ52RK0sLmw" \
	"NNFxfq0ThksB05Yk__IwygMfK5JptDuUrJF_j9DwSf95dzYIkSMUISPM7E4bnkvm" \
	"0vX7Upz4sUfz_i6y8dLF_-ItHUePB5e_7uipKmv3mUm1y8hxFq070IdkyorwLxUS" \
	"YJRiABHDBRnWeTzAdjF3HhrySOSfeGCysJdiKLZjohztQHAY_goZw7dS5XSw"

#define TOKEN_RS512                                                        \
	"eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiI0MiJ9.UjlQ9WxDAa3cy_OXDwgTRl0cfw" \
	"jr04WvCtWehA82buhcuKyMqViCU8IBTAiXaaFlEIYk0APXhFYteG9cyv65b0U9ox" \
	"mKEalongoPOpd7hKnni6UKup23J5MVIzgRZAMyEUtjup-rz_55P-hxZGAnWWQlKF" \
	"tt3nR6_eD3gRxuJBOFlJM2aU6JIvUPS22ofWnPGfv6w4nONKyqIo4IG6hcFaZEhY" \
	"LuiDUVuuHt7PlRkRmQOs-V5mXLZWT5Uu4uPbyCPF9J8hO_TgkqRRw80B8g9U1kEK" \
	"aqsH_AkiIDlWwtBQbxVQFXZP1OvIra6dXgEhL6_pACvT0BVOb5fLyQYFaUEg"

#define TOKEN_ES256                                                        \
	"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.zon7B_LMwx3iahvy6UwfLLYaNG" \
	"wTYL1XgJ9nuRzD3G5bmf85IkuqObq-illD53DglhW68euHVZSEP0ArucMOkg"

#define TOKEN_ES384                                                        \
	"eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiI0MiJ9.bfejw7vLL_H0128qblUcuo_6cH" \
	"GTUotiRai1n4vnmfqeT1CcpL6HDanjbnvieBLtwv_4dHTaQw7kyqs4HI5mNW-jAC" \
	"Z8ad_ItrVJDhglq-BjNPc1y5wsJJWhOJPCIxLk"

#define TOKEN_ES256_KID_A                                                  \
	"eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiI0MiJ9.MvJhIPYHgrfS" \
	"Hb6mTga3dgCIONuhim-hTyd73Uv8_IgFtLRdfsLMT2aqrYnSicPXOKTOWdc1KjFE" \
	"qAqUj9Lm0A"

#define TOKEN_ES256_KID_B                                                  \
	"eyJhbGciOiJFUzI1NiIsImtpZCI6ImIifQ.eyJzdWIiOiI0MiJ9.iKtaWLdDv6X3" \
	"y_CMj_rK37384Il0OM9jminldpzNIDnptDO-L7dKIM-gsX0U0lsAXckW5v8Ggsd4" \
	"fv_5TLIlVA"

#define TOKEN_ES256_DER                                                    \
	"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.MEUCIQDliH595BiNcg07RV_O46" \
	"TmE-Risw4UJ5bIW2bDrtpUVwIgO81mJQUvzg7AeT7uxMFXU3bm1Vu3_QBsFwviqX" \
	"BA96c"

#define TOKEN_ES256_WITH_JWK                                               \
	"eyJhbGciOiJFUzI1NiIsImp3ayI6eyJrdHkiOiJFQyIsImNydiI6IlAtMjU2Iiwi" \
	"eCI6InNRTTdwVnU5ZmVjcmtvSTgwRXkydk91em5JcG92aUc1Mmh1cVNUNXFDZXci" \
	"LCJ5IjoiMlk4X3pzS1RKbkpUeXZaTTRId1lUYllVbEpOSFVaLTZkQS10TlVBRERp" \
	"USJ9fQ.eyJzdWIiOiI0MiJ9.jQ7BYC07bfxoTWpqAefHMVdI-ETMWJK2IYItSgIt" \
	"ZkQJ8QRZOWGG1aLUbPpzr7F3KFATjq3Fd-IZFHZXaHmFow"

#define TOKEN_ES256_WITH_JKU                                               \
	"eyJhbGciOiJFUzI1NiIsImprdSI6Imh0dHBzOi8vZXZpbC5leGFtcGxlL2tleXMi" \
	"LCJ4NXUiOiJodHRwczovL2V2aWwuZXhhbXBsZS9jIn0.eyJzdWIiOiI0MiJ9.Gzt" \
	"7aXIM2BAZIsf8IOEZnPaVuOPXaRiZwtao0ldzaFHTP_T4GbgnT-0PbuKXUjWlznD" \
	"SAeYiYWXTWsdWyPVZ-w"

#define TOKEN_HS256_OF_RSA_PEM                                             \
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsImFkbWluIjp0cnVlfQ.EwAC4And" \
	"hFhzIBYsQe_2Z2ip74VeB1XsdU0bD5vGEsY"

#define TOKEN_HS256_OF_P256_PEM                                            \
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsImFkbWluIjp0cnVlfQ.EUJT6AXk" \
	"AwDpyOWzf24gaaFsF72AgjO_7M8tE352Ek4"

#define TOKEN_HS256_OF_MODULUS                                             \
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsImFkbWluIjp0cnVlfQ.-9G8YjoX" \
	"bwvm0xhLf8i4ePSu6GKVi4mz-sndlU1orAY"

#define TOKEN_HS256_OF_POINT                                               \
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsImFkbWluIjp0cnVlfQ.hF4v4jEh" \
	"0ZDZc89cW0QDLxjo3-QjadZTlc9-HUzAsOw"

#define TOKEN_RS256_PSS                                                    \
	"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI0MiJ9.j7xFZIq-bXU3QR8P--ERv728hv" \
	"l930l_KOOBB5fxQeEEe-GFEJEX8XLuYQDBfkLnwYiur8KRQi-LGk4x5MYAjhjd4A" \
	"c24blw5WUUnQl3B6EZ48wrA0rdkF32akURwbzAqs1GZizbZoKi7AClnr3wrJZclc" \
	"n_i5CW5Fqbl7Gn9qWJHSDi8L9PGybPNZ1UuCyPUokW_LbjSBPdAQXL5iGMrmPkEi" \
	"0E2_8xe5VyLdAxjBc2GT01SaixaIYxaCg7RKQgOtQquNN_N5Jt3LO32Sxj-ZXoaT" \
	"OkTEyxMGyfbJKKhzm5HuTVRzpij3j2UTLlJAEtchO3UAmxkuEUsujV33fOig"

#define TOKEN_PS256                                                        \
	"eyJhbGciOiJQUzI1NiJ9.eyJzdWIiOiI0MiJ9.X843diMg2BmNDk4dR8DyuE5S4d" \
	"i_WUE2cFag0JcPejSobl0Rr6lWszbTQl1HvC548CHpEvalfGbAHeRZdIOkSXm5lt" \
	"FNf3YeuLRNKf2ZQ3Vn3Kgqv7VIR_Ad7YoDb4610dTeil2-5Z1PKLe9htNd68_QpR" \
	"Wk3fQerSE3T3maW6R8XwrpBIEzm-tdCXYwjOLZCn6d39qEN5UHgZwPQ08b_PgSB4" \
	"_5JknEOargs3Bx1jbozyijWFCWD6S1vTfeS6Nssah9_aRBoOnIL_LzKP0cvlAx4Q" \
	"CKqG7vQoejczS2ae0IXPCg-CYcBUIKd2uWGUcV9ideuIw4i8iYLewff9rcDg"

#define RSA_N                                                              \
	"nqv9-XoRHJXkRGtpNV0swydmY0dJqBEaS7MN8RryQAiWjjzRkJ1cXTIiJVR66fjz" \
	"_yFLTHw9y6mXDtMPprpiBswwP07kxlwXrzE1y3DeUoZNIIP1rPLgEZpzQ9onQH2n" \
	"RghovRHnqZmzWr5y4I-30wSuxQYrHfYX8W3q5mM3SwAXCZOuCA9HIZ1kzCxvezxN" \
	"699zY3TH9AtLiDcZ5Go20rO1NfAXA2BiqTABu7Yfa19py_1kj2AmudDZ9DBMoTek" \
	"eVxiCLgOd1wGGGviXnl-jXgBJeoUcm6G4FVq5johKFh87EiTos62qnlV7iiqXU4V" \
	"90O0ukCgxLVCC9ddCt2vrw"

#define RSA_1024_N                                                         \
	"sFcQmwVRJy3GyoQeL0eQ3hBEOqleAGsYEnusVk3heqwZDMdeaqvTycB9xBgfvQgW" \
	"gbYZs7ksU5S-Au6TLOAhcH_9r7jiObpB3R5KHl3nkeHwenjR0boMjGNNUMIbEpy5" \
	"dTa9EUbqvhLYT-0N1XlkjViw2LLUlAL7rrn4FjeErlU"

#define P256_X "_9UQRx6yj0MiE1oIagQvW_KXcryHHx9gwbTaJt22X9E"

#define P256_Y "Dp0gCEhB3CvzYEGhpvHPLDFehVFVemG2ONAJ2iq7Kng"

#define P384_X "MaW7oqw0i5uKaowZDudZZYzQjgyC-K923ySHZOQ4plRL14eAg10ZgdYqyLVFilzD"

#define P384_Y "ibDXUC0QMZdgYr6_ACbliGexvn3khHSO4tFoxRJUWom_Ao8Dvq-luOs01Xpbzzlz"

#endif
